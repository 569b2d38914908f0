"""LumaFace beside YuNet on real clips and photographs: faces found and invented, landmarks, time.

    python -m benchmarks.detector ../shared/media --yunet ../shared/models/face_detection_yunet_2023mar.onnx

Both look at copies of the same size, that of the client's default settings, of frames spread evenly over each clip and
of each photograph; LumaFace looks at all frames of a clip, as its faces count by how they are followed. YuNet's faces
from SURE on, of at least `min_face` pixels in the picture, are those to be found; what LumaFace finds where YuNet has
nothing from UNSURE on is counted as invented, until somebody looks: `--sheet` draws these and the missed ones, for the
eye alone.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.cli.console import notify
from fer_client.errors import FerError
from fer_client.faces.alignment import cut_out
from fer_client.faces.boxes import greedy_pairs, iou_matrix
from fer_client.faces.detection import (
    DetectorChoice,
    Faces,
    FrameDetector,
    choose_detector,
    detection_size,
)
from fer_client.faces.shots import with_cuts
from fer_client.faces.tracking import Tracker
from fer_client.media.frame import Frame
from fer_client.media.images import picture_frame, read_picture
from fer_client.media.video import open_video
from fer_client.settings import LUMAFACE, YUNET, Settings
from fer_training.reports.documents import markdown_table, percent

SURE, UNSURE = 0.8, 0.5
MATCH_IOU = 0.5
FRAMES = 40
"""Frames of each clip that are looked at."""

_TIMED_WH = (320, 180)
_CROP_SHAPE = (96, 96, 1)


@dataclass
class Comparison:
    """Counts over all pictures: `errors` are distances of landmarks by the distance of the eyes."""

    pictures: int = 0
    sure: int = 0
    found: int = 0
    given: int = 0
    invented: int = 0
    errors: list[float] = field(default_factory=list)
    missed_at: list[tuple[Frame, NDArray[np.float32]]] = field(default_factory=list)
    invented_at: list[tuple[Frame, NDArray[np.float32]]] = field(default_factory=list)

    def add(self, frame: Frame, luma: Faces, yunet: Faces) -> None:
        """Take in the faces that both found in one picture."""
        sure = np.flatnonzero(yunet.scores >= SURE).tolist()
        overlap = iou_matrix(luma.boxes_xywh, yunet.boxes_xywh)
        pairs = {column: row for row, column in greedy_pairs(overlap, MATCH_IOU)}
        hits = [face for face in sure if face in pairs]
        taken = set(pairs.values())
        extra = [face for face in range(len(luma.scores)) if face not in taken]
        self.pictures += 1
        self.sure, self.found = self.sure + len(sure), self.found + len(hits)
        self.given, self.invented = self.given + len(luma.scores), self.invented + len(extra)
        self.errors += [
            _landmark_error(luma.landmarks_xy[pairs[face]], yunet.landmarks_xy[face]) for face in hits
        ]
        self.missed_at += [(frame, yunet.boxes_xywh[face]) for face in sure if face not in pairs]
        self.invented_at += [(frame, luma.boxes_xywh[face]) for face in extra]

    def figures(self) -> dict[str, float]:
        """Shares of YuNet's faces and of LumaFace's, and the mean error of the landmarks."""
        return {
            "pictures": self.pictures,
            "faces_of_yunet": self.sure,
            "share_found": self.found / max(self.sure, 1),
            "faces": self.given,
            "share_invented": self.invented / max(self.given, 1),
            "landmark_error": float(np.mean(self.errors)) if self.errors else float("nan"),
        }


def _landmark_error(points: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    eyes = max(float(np.linalg.norm(others[0] - others[1])), 1e-3)
    return float(np.linalg.norm(points - others, axis=1).mean() / eyes)


def compare(
    media: Path, luma: DetectorChoice, yunet: DetectorChoice, settings: Settings
) -> dict[str, Comparison]:
    """Compare on the folder's `videos` and `photos`; files that cannot be read are left out."""
    unsure = yunet.with_min_score(UNSURE)
    found = {"clips": Comparison(), "photographs": Comparison()}
    of_clips = FrameDetector(unsure, settings.detection_side, settings.min_face)
    for frame, faces in _clip_faces(media / "videos", luma, settings):
        found["clips"].add(frame, faces, of_clips.detect(frame))
    one, other = (FrameDetector(choice, settings.photo_side, settings.min_face) for choice in (luma, unsure))
    for frame in _photographs(media / "photos"):
        found["photographs"].add(frame, one.detect(frame), other.detect(frame))
    return found


def _clip_faces(folder: Path, choice: DetectorChoice, settings: Settings) -> Iterator[tuple[Frame, Faces]]:
    detector = FrameDetector(
        choice.for_videos(settings.min_score), settings.detection_side, settings.min_face
    )
    for path in sorted(folder.iterdir()):
        try:
            with open_video(path) as video:
                step = max(1, (video.info.frame_count or FRAMES) // FRAMES)
                first_score = choice.first_score(settings.min_score)
                followed = _followed(video.frames(allow_corruption=True), detector, first_score)
                yield from (pair for pair in followed if pair[0].index % step == 0)
        except FerError as error:
            notify(f"left out: {error}")


def _followed(
    frames: Iterator[Frame], detector: FrameDetector, first_score: float
) -> Iterator[tuple[Frame, Faces]]:
    """Yield each frame with the faces that count, as the client follows them."""
    tracker = Tracker(first_score)
    for frame, starts_shot in with_cuts(frames):
        faces = detector.detect(frame)
        order = np.argsort(faces.boxes_xywh[:, 0], kind="stable")
        tracks = tracker.follow(cut_out(frame, faces, starts_shot, _CROP_SHAPE))
        kept = order[[track is not None for track in tracks]] if tracks else order
        yield frame, Faces(faces.boxes_xywh[kept], faces.scores[kept], faces.landmarks_xy[kept])


def _photographs(folder: Path) -> Iterator[Frame]:
    for index, path in enumerate(sorted(folder.iterdir())):
        try:
            yield picture_frame(index, 0.0, read_picture(path))
        except FerError as error:
            notify(f"left out: {error}")


def time_ratio(
    luma: DetectorChoice, yunet: DetectorChoice, frame: Frame, rounds: int = 40
) -> dict[str, float]:
    """Milliseconds of one detection, one thread, both in turns on the same frame; the median of the ratios."""
    cv2.setNumThreads(1)
    size_wh = detection_size(frame.size_wh, max(_TIMED_WH))
    detectors = [choice.make() for choice in (luma, yunet)]
    copies = [detector.copy(frame, size_wh) for detector in detectors]
    times = [
        [_seconds(detector, copy) for detector, copy in zip(detectors, copies, strict=True)]
        for _ in range(rounds + 1)
    ]
    own, others = np.array(times[1:]).T
    return {
        "ms": 1e3 * float(own.min()),
        "ms_of_yunet": 1e3 * float(others.min()),
        "ratio": median((own / others).tolist()),
    }


def _seconds(detector: Any, copy: NDArray[np.uint8]) -> float:
    start = time.thread_time()
    for _ in range(4):
        detector.detect(copy)
    return (time.thread_time() - start) / 4


def table(record: dict[str, Any]) -> str:
    """Lay out the figures as Markdown."""
    rows = [
        [
            name,
            f"{part['pictures']}",
            f"{part['faces_of_yunet']}",
            percent(part["share_found"]),
            percent(part["share_invented"]),
            percent(part["landmark_error"]),
        ]
        for name, part in record["parts"].items()
    ]
    header = [
        "",
        "pictures",
        "faces of YuNet",
        "of these found",
        "of its own not YuNet's",
        "landmarks off by",
    ]
    times = record["time"]
    return (
        f"{markdown_table(header, rows)}\n\n"
        "Landmarks by the distance of the eyes. One detection in a copy of 320×180 takes "
        f"{times['ms']:.1f} ms of one thread, YuNet's\n{times['ms_of_yunet']:.1f} ms; paired, {times['ratio']:.2f} "
        "times."
    )


def _sheet(
    found: Sequence[tuple[Frame, NDArray[np.float32]]], side: int = 96, columns: int = 14
) -> NDArray[np.uint8]:
    tiles = []
    for frame, (x, y, width, height) in found[: 10 * columns]:
        reach = max(width, height)
        shown = frame.small_luma(frame.size_wh)
        padded = np.pad(shown, int(reach))
        left, top = int(x + width / 2), int(y + height / 2)
        part = padded[top : top + 2 * int(reach), left : left + 2 * int(reach)]
        tiles.append(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA))
    tiles += [np.zeros((side, side), np.uint8)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[first : first + columns]) for first in range(0, len(tiles), columns)]
    return np.asarray(np.vstack(rows), np.uint8) if rows else np.zeros((side, side), np.uint8)


def main() -> None:
    """Parse the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("media", type=Path, help="a folder with the folders `videos` and `photos`")
    parser.add_argument("--yunet", type=Path, required=True, help="YuNet's ONNX file")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    parser.add_argument("--sheet", type=Path, help="folder for pictures of what was missed and invented")
    parser.add_argument("--min-score", type=float, default=Settings.min_score, help="as of fer-client")
    arguments = parser.parse_args()
    settings = Settings(min_score=arguments.min_score)
    try:
        luma = choose_detector(LUMAFACE, None, settings.min_score)
        yunet = choose_detector(YUNET, arguments.yunet, settings.min_score)
        found = compare(arguments.media, luma, yunet, settings)
    except FerError as error:
        notify(f"detector: {error}")
        sys.exit(error.exit_code)
    first, _ = next(_clip_faces(arguments.media / "videos", luma, settings))
    record = {
        "parts": {name: part.figures() for name, part in found.items()},
        "time": time_ratio(luma, yunet, first),
        "settings": {"min_score": settings.min_score, "min_face": settings.min_face},
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if arguments.sheet:
        arguments.sheet.mkdir(parents=True, exist_ok=True)
        for name, part in found.items():
            cv2.imwrite(str(arguments.sheet / f"{name}-missed.png"), _sheet(part.missed_at))
            cv2.imwrite(str(arguments.sheet / f"{name}-invented.png"), _sheet(part.invented_at))
    print(table(record))  # noqa: T201


if __name__ == "__main__":
    main()
