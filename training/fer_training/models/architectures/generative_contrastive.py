"""A face beside the neutral one that it could have been (after Kim et al. 2017, arXiv 1703.07140).

A generator makes a reference, the neutral face, from the query alone; an encoder embeds both with the same weights; the
classifier sees the difference of the two embeddings. What the paper leaves open here is chosen: the generator is a
small encoder-decoder without connections around its middle, through which an expression would pass; the encoder is the
trunk of `resnet_small`; the classifier is one dense layer. In `generative_contrastive_query` it sees the query's own
embedding beside the difference.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import layers, ops

from fer_training.models.architectures.blocks import SIDE, conv_bn, face_input, network
from fer_training.models.architectures.residual import QUARTERING, SMALL_STAGES, trunk

NAME, WITH_QUERY = "generative_contrastive", "generative_contrastive_query"
GENERATOR = "generator"
"""Name of the layer, itself a network, that makes the reference: luma [N, 48, 48, 1] in [-1, 1], as the query."""

DOWN, UP = (16, 24, 48), (32, 16)
"""Widths of the generator's halvings and doublings: from 6x6 pixels in the middle to 24x24, where it draws."""


def generative_contrastive(classes: int) -> keras.Model:
    """Build the network: query to logits, by the difference alone."""
    return _network(NAME, False, classes)


def generative_contrastive_query(classes: int) -> keras.Model:
    """Build the network: query to logits, by the query's embedding and the difference."""
    return _network(WITH_QUERY, True, classes)


def _network(name: str, sees_query: bool, classes: int) -> keras.Model:
    query, encoder = face_input(), _encoder()
    reference = _generator()(query)
    return network(query, _classifier(encoder(query), encoder(reference), sees_query, classes), name)


def _learning_network(name: str, sees_query: bool, classes: int) -> keras.Model:
    """Build what learns: query to logits and reference, with the weights of the network to keep in its order.

    Queries and references go through the encoder as one batch [2 N, 48, 48, 1]: batch normalisation learns from what
    it will meet, which two calls with statistics of their own would keep from it.
    """
    query, encoder = face_input(), _encoder()
    reference = _generator()(query)
    both = ops.reshape(ops.stack([query, reference], axis=1), (-1, SIDE, SIDE, 1))
    embeddings = ops.reshape(encoder(both), (-1, 2, encoder.output.shape[-1]))
    return network(
        query, [_classifier(embeddings[:, 0], embeddings[:, 1], sees_query, classes), reference], name
    )


LEARNING_NETWORKS: dict[str, Callable[[int], keras.Model]] = {
    NAME: partial(_learning_network, NAME, False),
    WITH_QUERY: partial(_learning_network, WITH_QUERY, True),
}
"""The architectures that make references, each with what builds the network in which it learns."""


def _generator() -> keras.Model:
    x = query = face_input()
    for width in DOWN:
        x = conv_bn(x, width, stride=2)
    for width in UP:
        x = layers.UpSampling2D(2)(conv_bn(x, width))
    drawn = layers.Conv2D(1, 3, padding="same", activation="tanh", dtype="float32")(x)
    return network(query, layers.UpSampling2D(2, interpolation="bilinear", dtype="float32")(drawn), GENERATOR)


def _encoder() -> keras.Model:
    face = face_input()
    embedding = layers.GlobalAveragePooling2D()(trunk(face, SMALL_STAGES, QUARTERING))
    return network(face, embedding, "encoder")


def _classifier(query: Any, reference: Any, sees_query: bool, classes: int) -> Any:
    x = layers.Subtract()([query, reference])
    if sees_query:
        x = layers.Concatenate()([query, x])
    return layers.Dense(classes, dtype="float32", name="logits")(layers.Dropout(0.3)(x))
