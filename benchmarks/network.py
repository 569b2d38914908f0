"""Processor time of a bare network in ONNX Runtime, on one thread, per face; a program of its own.

    python benchmarks/network.py model_repository/expression/1/model.onnx 32

Runs with the packages of the server, so that the floor and the server compute with the same version.
"""

import sys
import time

import numpy as np
import onnxruntime as ort

_RUNS = 5


def seconds_per_face(model: str, batch: int) -> float:
    """Return the least time of a few runs on random pixels; the values do not change the work."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    tensor = session.get_inputs()[0]
    faces = np.random.default_rng(0).uniform(-1, 1, (batch, *tensor.shape[1:])).astype(np.float32)
    session.run(None, {tensor.name: faces})
    times = []
    for _ in range(_RUNS):
        start = time.process_time()
        session.run(None, {tensor.name: faces})
        times.append(time.process_time() - start)
    return min(times) / batch


if __name__ == "__main__":
    print(seconds_per_face(sys.argv[1], int(sys.argv[2])))  # noqa: T201
