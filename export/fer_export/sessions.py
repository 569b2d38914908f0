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


def latency_ms(model: bytes, batch: npt.NDArray[np.generic], rounds: int = 10, calls: int = 10) -> float:
    """Time in milliseconds of one call on one thread, after a warm-up call: the least median of several rounds.

    A median drops single hiccups; the least one drops the rounds in which other programs had the core.
    """
    session = open_session(model, threads=1)
    feed = {session.get_inputs()[0].name: batch}
    session.run(None, feed)

    def seconds() -> float:
        start = time.perf_counter()
        session.run(None, feed)
        return time.perf_counter() - start

    return 1e3 * min(median(seconds() for _ in range(calls)) for _ in range(rounds))
