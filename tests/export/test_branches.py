"""Sums of parallel branches become one convolution, with the same answers; everything else stays."""

from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("tf", "onnx", "ort"),
    # Keras 3.15 hands its variables to NumPy 2 in the old way.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def served(model: Any) -> Any:
    """The ONNX graph of a Keras network of one input and one output, in float32."""
    import onnx

    from fer_export.graphs import TensorSpec, convert

    float32 = onnx.TensorProto.FLOAT
    return convert(
        lambda taken: model(taken, training=False),
        TensorSpec("TAKEN", float32, model.input.shape[1:]),
        [TensorSpec("GIVEN", float32, model.output.shape[1:])],
    )


def operations(proto: Any) -> list[str]:
    return [node.op_type for node in proto.graph.node]


def assert_same_answers(model: Any, proto: Any) -> None:
    import onnxruntime

    taken = np.random.default_rng(3).normal(size=(4, *model.input.shape[1:])).astype(np.float32)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = np.asarray(model(taken, training=False))
    answer = session.run(None, {"TAKEN": taken})[0]
    np.testing.assert_allclose(answer, expected, atol=1e-4 * np.abs(expected).max(), rtol=1e-4)


def with_lively_norms(model: Any) -> Any:
    """Give each batch normalisation statistics that it could have learned; a new one only passes values on."""
    import keras

    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, value.shape) for value in layer.get_weights()])
    return model


def parallel(*branches: Any, side: int = 8, channels: int = 3) -> Any:
    import keras

    taken = keras.Input((side, side, channels))
    return keras.Model(taken, keras.layers.Add()([branch(taken) for branch in branches]))


def test_repvgg_is_served_with_one_convolution_per_block() -> None:
    from fer_training.models.architectures.repvgg import STAGES, repvgg

    model = with_lively_norms(repvgg(7))
    proto = served(model)

    assert operations(proto).count("Conv") == sum(blocks for _, blocks in STAGES)
    assert not {"Add", "Mul", "BatchNormalization"} & set(operations(proto))
    assert_same_answers(model, proto)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [8, 9])
def test_kernels_meet_where_they_read_the_same_pixels(stride: int, side: int) -> None:
    from keras import layers

    kernels = (1, 3, 5)
    model = parallel(
        *(
            layers.Conv2D(4, kernel, strides=stride, padding="same", bias_initializer="normal")
            for kernel in kernels
        ),
        side=side,
    )
    proto = served(model)

    assert operations(proto).count("Conv") == 1
    assert_same_answers(model, proto)


def test_the_input_itself_is_a_branch() -> None:
    from keras import layers

    model = parallel(layers.Conv2D(3, 3, padding="same"), lambda taken: taken)
    proto = served(model)

    assert "Add" not in operations(proto)
    assert_same_answers(model, proto)


def test_a_cross_of_kernels_stays_since_their_square_costs_more() -> None:
    from keras import layers

    model = parallel(layers.Conv2D(4, (1, 3), padding="same"), layers.Conv2D(4, (3, 1), padding="same"))
    proto = served(model)

    assert operations(proto).count("Conv") == 2
    assert_same_answers(model, proto)


def test_a_branch_that_is_needed_elsewhere_stays() -> None:
    import keras
    from keras import layers

    taken = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same")(taken)
    total = layers.Add()([first, layers.Conv2D(4, 1)(taken)])
    model = keras.Model(taken, layers.Multiply()([layers.Activation("relu")(total), first]))
    proto = served(model)

    assert operations(proto).count("Conv") == 2
    assert_same_answers(model, proto)


def test_residual_blocks_stay_as_they_are() -> None:
    from fer_training.models.architectures import ARCHITECTURES

    model = with_lively_norms(ARCHITECTURES["resnet"](7))
    proto = served(model)

    assert "Add" in operations(proto)
    assert_same_answers(model, proto)
