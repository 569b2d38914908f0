"""Several requests in one run: join their rows, run once, give each its rows back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Arrays = tuple[np.ndarray[Any, Any], ...]
"""One array per tensor, in the order of the model's inputs or outputs."""


def group(shapes: Mapping[int, tuple[tuple[int, ...], ...]], batched: bool) -> list[list[int]]:
    """Split requests into groups that can share one run: those whose tensors differ in their rows alone.

    `shapes` maps a request's index to the shapes of its inputs. Without batching each request runs alone.
    """
    if not batched:
        return [[index] for index in shapes]
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for index, request in shapes.items():
        groups.setdefault(tuple(shape[1:] for shape in request), []).append(index)
    return list(groups.values())


def join(requests: Sequence[Arrays], buffers: Sequence[np.ndarray[Any, Any] | None]) -> Arrays:
    """Concatenate the requests' rows, tensor by tensor.

    A single request is passed on without a copy. A buffer with room for the rows is written into and a view of it
    returned, valid until the next call; without one, memory is allocated.
    """
    if len(requests) == 1:
        return requests[0]
    return tuple(
        _concatenate(parts, buffer)
        for parts, buffer in zip(zip(*requests, strict=True), buffers, strict=True)
    )


def _concatenate(parts: Arrays, buffer: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any]:
    rows = sum(len(part) for part in parts)
    if buffer is None or len(buffer) < rows:
        return np.concatenate(parts)
    return np.concatenate(parts, out=buffer[:rows])


def split(outputs: Arrays, rows: Sequence[int]) -> list[Arrays]:
    """Cut each output along its first axis into `rows[i]` rows for request i; views, no copies.

    Raises ValueError where an output has not one row for each row of the batch.
    """
    total = sum(rows)
    for output in outputs:
        if output.ndim == 0 or len(output) != total:
            raise ValueError(f"an output of shape {list(output.shape)} for a batch of {total}")
    ends = np.cumsum(rows).tolist()
    return [
        tuple(output[end - count : end] for output in outputs) for count, end in zip(rows, ends, strict=True)
    ]


def allocate(
    specs: Iterable[tuple[tuple[int, ...], np.dtype[Any]]], rows: int
) -> list[np.ndarray[Any, Any] | None]:
    """Make one buffer of `rows` rows for each (row shape, dtype); None where a dimension is variable (-1)."""
    return [None if min(shape, default=0) < 0 else np.empty((rows, *shape), dtype) for shape, dtype in specs]
