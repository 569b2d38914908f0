"""Entry point that Triton's Python backend loads; it looks for the class `TritonPythonModel`."""

import os
import sys

# The stub starts without site directories and ignores PYTHONPATH.
sys.path[:0] = os.environ["FER_SERVER_SITE"].split(os.pathsep)

from fer_server.backends.onnxruntime.execution import TritonPythonModel  # noqa: E402

__all__ = ["TritonPythonModel"]
