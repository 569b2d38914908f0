"""ONNX Runtime on this machine's processor."""

import time
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime as ort


def open_session(model: bytes, threads: int = 0) -> ort.InferenceSession:
    """Load a graph; 0 threads leaves their number to ONNX Runtime."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors come as exceptions; warnings would be about a graph that the user did not write.
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def latency_ms(model: bytes, batch: npt.NDArray[np.generic], repeats: int = 50) -> float:
    """Median time in milliseconds of one call on one thread, after a warm-up call."""
    session = open_session(model, threads=1)
    feed = {session.get_inputs()[0].name: batch}
    session.run(None, feed)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return median(times) * 1e3
