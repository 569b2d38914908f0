"""Annotated pictures of made faces, in the table that the detector's training reads."""

import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np

COLUMNS = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


def write_face_table(folder: Path) -> Path:
    """Write four pictures to learn from, one of them empty, and two for validation, and return the folder."""
    folder.mkdir()
    names = [
        "image",
        "split",
        "x",
        "y",
        "w",
        "h",
        *(f"{name}_{axis}" for name in COLUMNS for axis in "xy"),
        "score",
    ]
    with (
        (folder / "faces.csv").open("w", newline="") as file,
        tarfile.open(folder / "pictures.tar", "w") as archive,
    ):
        writer = csv.writer(file)
        writer.writerow(names)
        for number in range(6):
            luma, face = _picture(number)
            name, split = f"{number}.png", "val" if number > 3 else "train"
            writer.writerow([name, split, *(face if number != 3 else [""] * 15)])
            data = cv2.imencode(".png", luma)[1].tobytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return folder


def _picture(seed: int) -> tuple[np.ndarray, list[float]]:
    rng = np.random.default_rng(seed)
    luma = rng.integers(90, 110, (80, 100), np.uint8)
    x, y = int(rng.integers(5, 50)), int(rng.integers(5, 30))
    cv2.ellipse(luma, (x + 20, y + 24), (20, 24), 0, 0, 360, 180, -1)
    points = [[x + 12, y + 18], [x + 28, y + 18], [x + 20, y + 26], [x + 14, y + 34], [x + 26, y + 34]]
    for point in points:
        cv2.circle(luma, point, 2, 20, -1)
    return luma, [x, y, 40, 48, *np.ravel(points).tolist(), 0.95]
