"""ONNX Runtime on this machine, its processor unless an accelerator is named."""

import time
from collections.abc import Mapping
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

PROCESSOR = "CPUExecutionProvider"


def open_session(
    model: bytes,
    threads: int = 0,
    provider: str = PROCESSOR,
    options_of_provider: Mapping[str, str] | None = None,
) -> ort.InferenceSession:
    """Load a graph; 0 threads leaves their number to ONNX Runtime, and `provider` is its name for what computes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Errors come as exceptions; warnings would be about a graph that the user did not write.
    options.log_severity_level = 3
    accelerated = [] if provider == PROCESSOR else [(provider, dict(options_of_provider or {}))]
    return ort.InferenceSession(model, options, providers=[*accelerated, PROCESSOR])


def available() -> list[str]:
    """ONNX Runtime's names for what it can compute with here."""
    return list(ort.get_available_providers())


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
