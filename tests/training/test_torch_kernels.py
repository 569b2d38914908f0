"""PyTorch's own batch normalisation against Keras's, where PyTorch is installed."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.keras

LEARN = """
import json, sys
import keras, numpy as np
from fer_training.torch_kernels import use_batch_norm

if sys.argv[1] == "own":
    use_batch_norm()
keras.utils.set_random_seed(1)
luma = keras.Input((12, 12, 3))
x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3)(luma))
x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu")(x))
model = keras.Model(luma, keras.layers.Dense(2)(x))
model.compile(keras.optimizers.SGD(0.1), "mse")
rng = np.random.default_rng(0)
pictures, targets = rng.random((64, 12, 12, 3), np.float32), rng.random((64, 2), np.float32)
losses = [float(model.train_on_batch(pictures, targets)) for _ in range(5)]
print(json.dumps([losses, model.predict(pictures[:4], verbose=0).tolist()]))
"""


def test_a_network_learns_the_same_by_pytorchs_batch_normalisation() -> None:
    pytest.importorskip("torch")

    composed, own = _learn("composed"), _learn("own")

    assert own[0] == pytest.approx(composed[0], rel=1e-4)
    for answers, expected in zip(own[1], composed[1], strict=True):
        assert answers == pytest.approx(expected, abs=1e-4)
    assert composed[0][-1] < 0.5 * composed[0][0]


def _learn(how: str) -> list[list]:
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    run = subprocess.run(
        [sys.executable, "-c", LEARN, how], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout.splitlines()[-1])
