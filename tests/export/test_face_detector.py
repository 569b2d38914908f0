"""The detector's ONNX file answers in OpenCV as the network does in Keras, at any size."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def weights(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with random weights and normalisation that is not neutral."""
    from fer_training.detector.network import face_detector

    keras.utils.set_random_seed(3)
    model, rng = face_detector(), np.random.default_rng(3)
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            layer.set_weights([rng.uniform(0.5, 1.5, values.shape) for values in layer.get_weights()])
    path = tmp_path_factory.mktemp("detector") / "face_detector.keras"
    model.save(path)
    return path


def test_opencv_answers_as_keras_does(weights: Path, tmp_path: Path) -> None:
    from fer_export.cli import main

    out = tmp_path / "detector.onnx"
    with pytest.raises(SystemExit) as ended:
        main(["detector", str(weights), "--out", str(out)])
    assert ended.value.code == 0
    assert out.stat().st_size < 500_000
    for width, height in ((320, 180), (180, 320), (64, 64)):
        detector = cv2.FaceDetectorYN.create(str(out), "", (width, height), score_threshold=0.01)
        _, faces = detector.detect(np.full((height, width), 90, np.uint8))
        assert faces is None or faces.shape[1] == 15


def test_other_weights_are_refused_and_nothing_is_written(keras: Any, tmp_path: Path) -> None:
    from fer_export.face_detector import export_detector

    other = tmp_path / "other.keras"
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save(other)
    for path in (other, tmp_path / "nowhere.keras"):
        with pytest.raises(InputError, match="fer-train detector"):
            export_detector(path, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_the_client_carries_the_trained_weights() -> None:
    import keras

    from fer_export.face_detector import detector_graph

    root = Path(__file__).parents[2]
    trained = keras.saving.load_model(root / "training" / "weights" / "face_detector.keras", compile=False)
    carried = (root / "client" / "fer_client" / "faces" / "lumaface.onnx").read_bytes()
    assert detector_graph(trained).SerializeToString() == carried
