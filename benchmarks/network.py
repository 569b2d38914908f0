"""Bare networks in ONNX Runtime, one thread each; a program of its own.

    python benchmarks/network.py 32 model_repository/expression/1/model.onnx
    python benchmarks/network.py 32 --callers 2 --seconds 1 face_preprocess/1/model.onnx expression/1/model.onnx

The first prints the least processor time per face, in seconds. With callers, as many threads run the networks one after
the other, each with sessions of its own, and the faces per second of all together are printed.

Runs with the packages of the server, so that both compute with the same version.
"""

import argparse
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime as ort

_RUNS = 5


def chain(models: Sequence[str], batch: int) -> Callable[[], None]:
    """Return what runs the networks once, one after the other, on random pixels; values do not change the work."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for model in models]
    tensor = sessions[0].get_inputs()[0]
    shape = (batch, *tensor.shape[1:])
    chance = np.random.default_rng(0)
    is_picture = tensor.type == "tensor(uint8)"
    pixels = chance.integers(256, size=shape, dtype=np.uint8) if is_picture else chance.uniform(-1, 1, shape)

    def run() -> None:
        values = [pixels if is_picture else pixels.astype(np.float32)]
        for session in sessions:
            values = session.run(None, {session.get_inputs()[0].name: values[0]})

    run()
    return run


def seconds_per_face(run: Callable[[], None], batch: int) -> float:
    """Return the least processor time of a few runs."""
    times = []
    for _ in range(_RUNS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times) / batch


def faces_per_s(runs: Sequence[Callable[[], None]], batch: int, seconds: float) -> float:
    """Return how many faces all callers together do a second."""
    counts = [0] * len(runs)
    end_s = time.perf_counter() + seconds

    def call(number: int) -> None:
        while time.perf_counter() < end_s:
            runs[number]()
            counts[number] += batch

    start = time.perf_counter()
    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(runs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("batch", type=int)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--callers", type=int)
    parser.add_argument("--seconds", type=float, default=1.0)
    asked = parser.parse_args()
    if asked.callers:
        chains = [chain(asked.models, asked.batch) for _ in range(asked.callers)]
        print(faces_per_s(chains, asked.batch, asked.seconds))  # noqa: T201
    else:
        print(seconds_per_face(chain(asked.models, asked.batch), asked.batch))  # noqa: T201
