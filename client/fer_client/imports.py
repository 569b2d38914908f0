"""Imports without the garbage collector, which looks at all that they make, again and again, and finds nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import within the block, for a whole process: what is there at its end is never looked at again.

    Freezing what was imported, besides not collecting meanwhile, took another sixth off a run on a video of three
    frames.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
