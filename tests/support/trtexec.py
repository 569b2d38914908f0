"""A program in the place of NVIDIA's `trtexec`, whose plans are ONNX files that ONNX Runtime computes.

It takes the options and writes the answers and the log as trtexec 10.6 does, since the real one needs a GPU.
"""

import sys
from pathlib import Path

_BODY = """
import json, sys
from pathlib import Path
import numpy as np
import onnxruntime as ort

print("&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] [b26] # trtexec")
options = dict(word.partition("=")[::2] for word in sys.argv[1:])
if "--help" in options:
    sys.exit(0)
print("[01/01/2026-00:00:00] [I] === Device Information ===")
print("[01/01/2026-00:00:00] [I] Selected Device: NVIDIA H200")
print("[01/01/2026-00:00:00] [I] Compute Capability: 9.0")
if {fails!r}:
    print({fails!r}); print("bye"); sys.exit(3)
if "--onnx" in options:
    Path(options["--saveEngine"]).write_bytes(Path(options["--onnx"]).read_bytes())
else:
    name, _, shape = options["--shapes"].partition(":")
    file = options["--loadInputs"].partition(":")[2]
    batch = np.fromfile(file, np.float32).reshape([int(size) for size in shape.split("x")])
    session = ort.InferenceSession(options["--loadEngine"], providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    entries = []
    for output, array in zip(outputs, session.run(None, {{name: batch}})):
        values = [float(f"{{value + {error}:g}}") for value in array.ravel()]
        entries.append({{"name": output, "dimensions": "x".join(map(str, array.shape)), "values": values}})
    Path(options["--exportOutput"]).write_text(json.dumps(entries))
"""


def write_trtexec(folder: Path, fails: str = "", error: float = 0.0, version: str = "100600") -> Path:
    """Write the program; it ends with 3 after saying `fails`, or adds `error` to every answer."""
    path = folder / "trtexec"
    path.write_text(f"#!{sys.executable}\n{_BODY.format(fails=fails, error=error, version=version)}")
    path.chmod(0o755)
    return path
