"""Frames per second of the `fer` package on a video, in a Python that has it: Haar cascade and TFLite.

    PEER_PYTHON benchmarks/peer.py VIDEO FRAMES

A program of its own that imports nothing of this project. Prints the frames per second of decoding with
OpenCV and analysing the first FRAMES frames, the loading of the package not counted, and the processor time
per frame in seconds.
"""

import sys
import time

import cv2


def speed(path: str, most_frames: int) -> tuple[float, float]:
    """Analyse the frames one after the other, as the package's own video class does."""
    try:
        from fer import FER  # type: ignore[import-not-found]
    except ImportError:
        from fer.fer import FER  # type: ignore[import-not-found]
    detector = FER()
    capture = cv2.VideoCapture(path)
    _, frame = capture.read()
    detector.detect_emotions(frame)
    start, own, count = time.perf_counter(), time.process_time(), 0
    while count < most_frames:
        is_frame, frame = capture.read()
        if not is_frame:
            break
        detector.detect_emotions(frame)
        count += 1
    return count / (time.perf_counter() - start), (time.process_time() - own) / count


if __name__ == "__main__":
    print(*speed(sys.argv[1], int(sys.argv[2])))  # noqa: T201
