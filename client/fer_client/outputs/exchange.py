"""Two names on a disk exchanged in one step, so that there is no moment at which one of them is missing."""

import ctypes
import os
from pathlib import Path

_HERE = -100
"""AT_FDCWD of Linux's fcntl.h: paths count from the working folder."""

_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's fs.h; see renameat2(2)."""


def exchange(one: Path, other: Path) -> bool:
    """Give each the other's name. False, with nothing done, where the system or the disk cannot."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # as on macOS
        return False
    rename.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    done = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return bool(done == 0)
