"""Programs that check files, from packages of the extra `dev` or of the system."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def tool(name: str) -> str:
    """Find a program beside this Python or on PATH; the test skips where it is missing."""
    path = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        pytest.skip(f"needs the program {name}")
    return path


def run_tool(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end."""
    return subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, check=False)
