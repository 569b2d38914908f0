"""What a network costs, against a count by hand."""

import pytest

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_cost_of_a_network_counted_by_hand() -> None:
    from fer_training.models.cost import cost

    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = keras.layers.SeparableConv2D(6, 3, padding="same", use_bias=False)(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = keras.layers.Dense(5, use_bias=False)(keras.layers.GlobalAveragePooling2D()(x))
    found = cost(keras.Model(inputs, x))
    convolutions = 16 * (9 * 2 * 4) + 16 * (9 * 4 + 4 * 6) + 16 * (9 * 6)
    assert found.multiply_adds == convolutions + 30
    assert found.parameters == 72 + 36 + 24 + 54 + 30


def test_a_network_within_a_network_costs_as_often_as_it_is_called() -> None:
    from fer_training.models.cost import cost

    inner = keras.Input((8, 8, 2))
    part = keras.Model(inner, keras.layers.Conv2D(2, 3, padding="same", use_bias=False)(inner))
    inputs = keras.Input((8, 8, 2))
    found = cost(keras.Model(inputs, keras.layers.Subtract()([part(inputs), part(part(inputs))])))
    assert found.multiply_adds == 3 * 64 * (9 * 2 * 2)
    assert found.parameters == 36
