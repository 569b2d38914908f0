"""What a network costs, counted from its layers."""

from dataclasses import dataclass
from math import prod

import keras
from keras import layers


@dataclass(frozen=True)
class Cost:
    """Parameters (all, batch statistics too) and multiply-adds of one picture."""

    parameters: int
    multiply_adds: int


def cost(model: keras.Model) -> Cost:
    """Count parameters, and the multiply-adds of convolutions and dense layers; the rest is not counted."""
    return Cost(model.count_params(), _sum(model))


def _sum(model: keras.Model) -> int:
    """Add the layers up, each as often as it is called."""
    calls = {layer["name"]: len(layer["inbound_nodes"]) for layer in model.get_config()["layers"]}
    return sum(calls[layer.name] * _multiply_adds(layer) for layer in model.layers)


def _multiply_adds(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.Model):
        return _sum(layer)
    if isinstance(layer, layers.Dense):
        return int(prod(layer.kernel.shape))
    if isinstance(layer, layers.SeparableConv2D):
        return _pixels(layer) * (prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape))
    if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
        return _pixels(layer) * int(prod(layer.kernel.shape))
    return 0


def _pixels(layer: keras.layers.Layer) -> int:
    return int(prod(layer.output.shape[1:3]))
