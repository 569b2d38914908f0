from typing import Any

import numpy as np
import pytest


def test_even_reduction_is_the_mean_of_blocks(rng: np.random.Generator) -> None:
    from fer_export.preprocessing import preprocess

    faces = rng.integers(0, 256, (3, 96, 96, 1), dtype=np.uint8)
    blocks = faces.reshape(3, 48, 2, 48, 2, 1).mean((2, 4))

    np.testing.assert_allclose(preprocess(faces, (48, 48, 1), (-1, 1)), blocks / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("input_range", [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-0.5, 0.5)])
def test_black_and_white_become_the_ends_of_the_range(input_range: tuple[float, float]) -> None:
    from fer_export.preprocessing import preprocess

    faces = np.stack([np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)])

    black, white = preprocess(faces, (48, 48, 3), input_range)

    np.testing.assert_allclose(black, input_range[0], atol=1e-4)
    np.testing.assert_allclose(white, input_range[1], atol=1e-4)


@pytest.mark.parametrize(
    ("crop", "network"),
    [((96, 96, 1), (64, 64, 1)), ((96, 96, 3), (128, 128, 3)), ((96, 96, 1), (48, 40, 1))],
)
@pytest.mark.keras
def test_other_sizes_resize_as_tensorflow_does(
    tf: Any, crop: tuple[int, int, int], network: tuple[int, int, int], rng: np.random.Generator
) -> None:
    from fer_export.preprocessing import preprocess

    faces = rng.integers(0, 256, (2, *crop), dtype=np.uint8)
    expected = tf.image.resize(faces, network[:2], antialias=True).numpy()

    np.testing.assert_allclose(preprocess(faces, network, (0, 255)), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("crop", "network"),
    [
        ((96, 96, 1), (48, 48, 1)),
        ((96, 96, 3), (48, 48, 3)),
        ((48, 48, 1), (48, 48, 1)),
        ((96, 96, 3), (64, 64, 3)),
        ((96, 96, 1), (112, 112, 1)),
        ((96, 96, 3), (48, 40, 3)),
    ],
)
@pytest.mark.parametrize("batch", [1, 3, 64])
@pytest.mark.keras
def test_onnx_gives_the_same(
    onnx: Any,
    ort: Any,
    crop: tuple[int, int, int],
    network: tuple[int, int, int],
    batch: int,
    rng: np.random.Generator,
) -> None:
    from fer_export.graphs import preprocess_graph
    from fer_export.preprocessing import preprocess

    faces = rng.integers(0, 256, (batch, *crop), dtype=np.uint8)
    graph = preprocess_graph((-1, 1), crop, network)
    onnx.checker.check_model(graph, full_check=True)
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

    (answer,) = session.run(["NETWORK_INPUT"], {"FACES": faces})

    assert answer.shape == (batch, *network)
    np.testing.assert_allclose(answer, preprocess(faces, network, (-1, 1)), atol=1e-5)


@pytest.mark.parametrize(("side", "expected"), [(48, 96), (64, 128), (96, 96), (40, 120), (224, 224)])
def test_default_crops_are_reduced_by_a_whole_factor(side: int, expected: int) -> None:
    from fer_export.preprocessing import default_crop_side

    assert default_crop_side(side) == expected


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)
