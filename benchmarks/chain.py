"""Measure how often the whole chain names the labelled expression: decoding, detection, crop and network.

    python -m benchmarks.chain FOLDER --labels labels.csv [--detector-model YUNET.onnx] [--out FIGURES.json]

FOLDER holds pictures; the labels, a CSV file with the columns `image` and `emotion`, one for each. The parts
are the client's own, the server a real one, and the largest face of a picture counts. A picture without a
found face counts as wrong, but the figures over the found faces stand beside, to tell the two losses apart.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.cli.console import notify
from fer_client.contract import FOUR_CATEGORIES, four_category_columns
from fer_client.errors import FerError, InputError
from fer_client.faces.detection import choose_detector
from fer_client.media.sources import Photographs
from fer_client.pipeline.analysis import open_analysis
from fer_client.pipeline.context import Job, open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import AUTO, Settings
from fer_training.reports.documents import markdown_table, percent

SAME_NAME = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
"""Names in other data sets and those of the network."""

Labelled = tuple[Path, str]


def read_labels(path: Path, folder: Path) -> list[Labelled]:
    """Return the pictures and their labels.

    Raises InputError where the file has other columns or no rows, or a picture is not in the folder.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["image"], row["emotion"].strip().lower()) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: expected a CSV file with the columns image and emotion ({error!r})."
        ) from error
    labelled = [(folder / image, SAME_NAME.get(label, label)) for image, label in rows]
    if not labelled:
        raise InputError(f"{path}: expected one row per picture, but there is none.")
    if missing := [image for image, _ in labelled if not image.is_file()]:
        raise InputError(f"{missing[0]}: expected a picture, as {path} names it, but it is not there.")
    return labelled


def known(labelled: Sequence[Labelled], names: Sequence[str]) -> list[Labelled]:
    """Leave out the labels that the network does not have. Raises InputError where nothing is left."""
    kept = [(image, label) for image, label in labelled if label in names]
    if not kept:
        raise InputError(f"Expected labels among {', '.join(names)}, but there is none of them.")
    return kept


def predict(pictures: Sequence[Path], folder: Path, job: Job) -> NDArray[np.float32]:
    """Return the network's probabilities for the largest face of each picture, [N, K], NaN without a face."""
    answers = np.full((len(pictures), len(job.contract.labels)), np.nan, np.float32)
    source = Photographs(PurePosixPath(folder.name), tuple(pictures), folder)
    with open_analysis(source, job) as analysis:
        for frame in analysis.frames:
            if len(frame.boxes_xywh):
                largest = frame.boxes_xywh[:, 2:].prod(axis=1).argmax()
                answers[frame.index] = frame.predictions.expression[largest]
    for error in analysis.unreadable.values():
        notify(f"chain: {error}")
    return answers


def score(truth: Sequence[str], probabilities: NDArray[np.float32], names: Sequence[str]) -> dict[str, Any]:
    """Figures of predictions, [N, K] with NaN rows for missed faces, against N labels.

    `four_categories` is over the pictures of the original system's four categories, with the argmax over
    these four alone. Its confusion counts rows of truth and columns of answers; the last column is missed.
    """
    columns = np.array(four_category_columns(names))
    wanted = np.array([names.index(label) for label in truth])
    in_four = np.isin(wanted, columns)
    is_found = np.asarray(~np.isnan(probabilities).any(axis=1))
    answers = np.where(is_found, np.nan_to_num(probabilities).argmax(axis=1), -1)
    four_answers = np.where(is_found, np.nan_to_num(probabilities)[:, columns].argmax(axis=1), len(columns))
    four_wanted = np.array([np.flatnonzero(columns == index)[0] for index in wanted[in_four]], int)
    confusion = np.zeros((len(columns), len(columns) + 1), int)
    np.add.at(confusion, (four_wanted, four_answers[in_four]), 1)
    return {
        "all_classes": _shares(answers == wanted, is_found),
        "four_categories": {
            **_shares(four_answers[in_four] == four_wanted, is_found[in_four]),
            "order": list(FOUR_CATEGORIES),
            "confusion": confusion.tolist(),
        },
    }


def _shares(is_right: NDArray[np.bool_], is_found: NDArray[np.bool_]) -> dict[str, float | int]:
    pictures, found, right = len(is_right), int(is_found.sum()), int(is_right.sum())
    return {
        "pictures": pictures,
        "found": round(found / max(pictures, 1), 4),
        "right_of_all": round(right / max(pictures, 1), 4),
        "right_of_found": round(right / max(found, 1), 4),
    }


def table(figures: dict[str, Any]) -> str:
    """Lay out the figures as Markdown."""
    rows = []
    for name, title in (("four_categories", "four categories"), ("all_classes", "all classes")):
        part = figures[name]
        shares = (percent(part[key]) for key in ("found", "right_of_all", "right_of_found"))
        rows.append([title, str(part["pictures"]), *shares])
    return markdown_table(["", "pictures", "faces found", "right, of all", "right, of found"], rows)


def measure(folder: Path, labels: Path, url: str | None, detector_model: Path | None) -> dict[str, Any]:
    """Run the chain with the client's default settings over the labelled pictures."""
    settings = Settings()
    everything = read_labels(labels, folder)
    detector = choose_detector(AUTO, detector_model, settings.min_score)
    interruption = Interruption()
    interruption.install()
    with open_job(settings, detector, url, notify, interruption) as job:
        contract = job.contract
        labelled = known(everything, contract.labels)
        probabilities = predict([image for image, _ in labelled], folder, job)
    return {
        **score([label for _, label in labelled], probabilities, contract.labels),
        "detector": detector.name,
        "settings": settings.as_record(Photographs.kind),
        "server": job.server_version,
        "model_version": contract.version,
    }


def main() -> None:
    """Parse the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the pictures")
    parser.add_argument("--labels", type=Path, required=True, help="CSV file: image, emotion")
    parser.add_argument("--url", help="HOST:PORT of a running server; default as fer-client's")
    parser.add_argument("--detector-model", type=Path, help="YuNet's ONNX file")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    arguments = parser.parse_args()
    labels = arguments.labels if arguments.labels.exists() else arguments.folder / arguments.labels
    try:
        figures = measure(arguments.folder, labels, arguments.url, arguments.detector_model)
    except FerError as error:
        notify(f"chain: {error}")
        sys.exit(error.exit_code)
    if arguments.out:
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(table(figures))  # noqa: T201


if __name__ == "__main__":
    main()
