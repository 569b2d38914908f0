"""Networks that tell valence and arousal: on their own, or behind a network that tells expressions, the trunk.

Each is a `.keras` file of stock layers with a record beside it. The record's `target` is `valence_arousal`, and `reads`
says what the file takes:

    "pictures"        luma [N, 48, 48, 1] in [-1, 1], as the networks of `fer_training.models.architectures` do
    "features"        float32 [N, F], what the trunk's layer `logits` takes
    "probabilities"   float32 [N, K], what the trunk answers, calibrated

`trunk` is the SHA-256 of the trunk's file. A network gives float32 [N, 2], valence and arousal; what is outside
[-1, 1] is cut off where it is used.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from fer_client.errors import InputError, UsageError
from fer_training.data.batches import to_input
from fer_training.data.circumplex import COORDINATES, SOURCE, VOTES, coordinates
from fer_training.data.dataset import Dataset
from fer_training.files import file_sha256
from fer_training.models.record import load_network, load_record, new_record
from fer_training.recipes import VALENCE_AROUSAL, HeadRecipe, Recipe

PICTURES, FEATURES, PROBABILITIES = "pictures", "features", "probabilities"

HEAD, PRODUCT = BEHIND_A_TRUNK = ("head", "product")
"""A small network on the trunk's features, and the trunk's probabilities times the expressions' coordinates."""

_MEANS = {
    HEAD: "A small network on the features of the expression network",
    PRODUCT: f"The expressions' probabilities times the expressions' coordinates ({SOURCE})",
}
_WEAK = "weak supervision from votes for expressions, not measured against people's ratings of valence and arousal."


@dataclass(frozen=True)
class Trunk:
    """A network that tells expressions, opened so that one pass gives its features [N, F] and its logits [N, K]."""

    network: keras.Model
    labels: tuple[str, ...]
    temperature: float
    sha256: str

    @property
    def width(self) -> int:
        """F, the number of features."""
        return int(self.network.outputs[0].shape[-1])

    def answer(
        self, images: NDArray[Any], batch_size: int = 256
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features [N, F] and logits [N, K] of luma [N, 48, 48] in [0, 255]."""
        chunks = (images[first : first + batch_size] for first in range(0, len(images), batch_size))
        parts = [self.network.predict_on_batch(to_input(chunk)) for chunk in chunks]
        features, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
        return np.asarray(features, np.float32), np.asarray(logits, np.float32)


def load_trunk(weights: Path) -> Trunk:
    """Open a network that `fer-train run` wrote; InputError for one of another kind."""
    record, network = load_record(weights), load_network(weights)
    last = network.layers[-1]
    if last.name != "logits" or not isinstance(last, layers.Dense):
        raise InputError(
            f"Expected a network whose last layer is the dense layer `logits`, as fer-train writes it; {weights} ends "
            f"with {last.name}. Name another trunk."
        )
    split = keras.Model(network.input, [last.input, last.output])
    return Trunk(split, tuple(record["labels"]), float(record["temperature"]), file_sha256(weights))


def require_trunk(weights: Path, record: dict[str, Any], trunk: Trunk | None) -> None:
    """Raise an error where the trunk is not the one that a file of valence and arousal belongs to."""
    if record["reads"] == PICTURES:
        return
    if trunk is None:
        raise UsageError(f"Expected the network that {weights} stands behind. Name it with --trunk.")
    if record["trunk"] != trunk.sha256:
        raise InputError(
            f"Expected the network that {weights} was made for (SHA-256 {record['trunk'][:12]}…), got another "
            f"({trunk.sha256[:12]}…). Name that one, or make {weights.name} anew behind this one."
        )


def new_product(labels: tuple[str, ...]) -> keras.Model:
    """Probabilities [N, K] times the coordinates of the labels: the expected valence and arousal."""
    probabilities = keras.Input((len(labels),), name=PROBABILITIES)
    model = keras.Model(probabilities, _coordinates_layer()(probabilities), name=PRODUCT)
    model.get_layer("coordinates").set_weights([coordinates(labels)])
    return model


def new_head(trunk: Trunk, recipe: HeadRecipe) -> keras.Model:
    """A hidden layer on the trunk's features and, where the recipe says so, its logits.

    Where the recipe starts from the product, and the labels have coordinates, it learns what the product lacks.
    """
    features = keras.Input((trunk.width,), name=FEATURES)
    logits = layers.Dense(len(trunk.labels), trainable=False, name="trunk_logits")(features)
    x = layers.BatchNormalization(center=False, scale=False)(features)
    x = layers.Dropout(recipe.feature_dropout)(x)
    if recipe.logits:
        x = layers.Concatenate()([x, logits])
    x = layers.Dense(recipe.hidden, activation="relu")(x)
    x = layers.Dropout(recipe.dropout)(x)
    starts_from_product = recipe.from_product and set(trunk.labels) <= COORDINATES.keys()
    start = "zeros" if starts_from_product else "glorot_uniform"
    affect = layers.Dense(2, kernel_initializer=start, name="affect")(x)
    if starts_from_product:
        calibrated = layers.Softmax()(layers.Rescaling(1 / trunk.temperature)(logits))
        affect = layers.Add()([_coordinates_layer()(calibrated), affect])
    model = keras.Model(features, affect, name=HEAD)
    _set_frozen(model, trunk)
    return model


def _coordinates_layer() -> layers.Dense:
    return layers.Dense(2, use_bias=False, trainable=False, name="coordinates")


def _set_frozen(model: keras.Model, trunk: Trunk) -> None:
    """Take over the trunk's last layer and the coordinates, as far as the head uses them."""
    names = {layer.name for layer in model.layers}
    if "trunk_logits" in names:
        model.get_layer("trunk_logits").set_weights(trunk.network.get_layer("logits").get_weights())
    if "coordinates" in names:
        model.get_layer("coordinates").set_weights([coordinates(trunk.labels)])


def new_affect_record(
    architecture: str, dataset: Dataset, recipe: Recipe, seed: int, source: str, trunk: Trunk | None = None
) -> dict[str, Any]:
    """Describe a network of valence and arousal; `source` says where its targets come from."""
    record = new_record(architecture, dataset, recipe, seed)
    reads = {HEAD: FEATURES, PRODUCT: PROBABILITIES}.get(architecture, PICTURES)
    record |= {"target": VALENCE_AROUSAL, "reads": reads, "targets_from": source}
    record["statement"] = _statement(record, source)
    if trunk is None:
        return record
    del record["input"]
    if architecture == PRODUCT:
        record["recipe"] = {"name": PRODUCT, "epochs": 0}
    return record | {"trunk": trunk.sha256, "labels": list(trunk.labels)}


def _statement(record: dict[str, Any], source: str) -> str:
    """One sentence about what the numbers are, which travels to whoever reads them."""
    means = _MEANS.get(record["architecture"], f"A network of its own ({record['architecture']})")
    if source == VOTES:
        learned = "" if record["architecture"] == PRODUCT else f"targets from the coordinates of {SOURCE}, "
        return f"{means}: {learned}{_WEAK}"
    if record["architecture"] == PRODUCT:
        return f"{means}: no rating of valence and arousal was learned from."
    return f"{means}: learned from people's ratings of valence and arousal in {record['data']['name']}."
