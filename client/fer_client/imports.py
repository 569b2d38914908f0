"""Imports without the garbage collector, which looks at all that they make, again and again, and finds nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import within the block, for a whole process: what is there at its end is never looked at again.

    With both, a run on a video of two seconds took a fifth less of the processor.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
