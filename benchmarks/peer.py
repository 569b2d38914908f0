"""The `fer` package on a video, in a Python that has it: Haar cascade or MTCNN, and TFLite.

    PEER_PYTHON benchmarks/peer.py VIDEO FRAMES haar|mtcnn

A program of its own that imports nothing of this project. Prints, as JSON, the seconds of decoding with OpenCV and
analysing the first FRAMES frames, the loading of the package not counted, the processor time, the peak memory of the
process in MB, and the faces of each frame: box and strongest expression.
"""

import json
import resource
import sys
import time

import cv2


def run(path: str, most_frames: int, finder: str) -> dict[str, object]:
    """Analyse the frames one after the other, as the package's own video class does."""
    if finder == "mtcnn":  # PyTorch after TensorFlow ends the process
        import facenet_pytorch  # type: ignore[import-not-found]  # noqa: F401
    try:
        from fer import FER  # type: ignore[import-not-found]
    except ImportError:
        from fer.fer import FER  # type: ignore[import-not-found]
    detector = FER(mtcnn=finder == "mtcnn")
    capture = cv2.VideoCapture(path)
    _, frame = capture.read()
    detector.detect_emotions(frame)
    capture.release()
    capture = cv2.VideoCapture(path)
    frames: list[list[dict[str, object]]] = []
    start, own = time.perf_counter(), time.process_time()
    while len(frames) < most_frames:
        is_frame, frame = capture.read()
        if not is_frame:
            break
        frames.append([_face(face) for face in detector.detect_emotions(frame)])
    return {
        "frames": len(frames),
        "wall_s": time.perf_counter() - start,
        "processor_s": time.process_time() - own,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "faces": frames,
    }


def _face(face: dict[str, object]) -> dict[str, object]:
    emotions: dict[str, float] = face["emotions"]  # type: ignore[assignment]
    x, y, w, h = (int(number) for number in face["box"])  # type: ignore[attr-defined]
    return {
        "x": x,
        "y": y,
        "w": w,
        "h": h,
        "expression": max(emotions, key=lambda name: float(emotions[name])),
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), sys.argv[3])))  # noqa: T201
