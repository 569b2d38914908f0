"""One conformance check for every architecture of the registry."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_training.evaluation.metrics import softmax

keras = pytest.importorskip("keras", reason="needs the extra `training`")
pytestmark = [
    pytest.mark.keras,
    # Keras's TensorFlow backend meets NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
NAMES = (
    "basic_cnn", "vgg", "inception", "resnet", "resnet_small", "resnet_medium", "se_resnet", "densenet",
    "mini_xception", "mobilenet", "efficientnet", "convnext", "repvgg", "residual_masking",
    "generative_contrastive", "generative_contrastive_query",
)  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def network(request: pytest.FixtureRequest) -> Any:
    """A network after a few steps on one batch, so that batch statistics and weights have moved; with its losses."""
    from fer_training.models.architectures import ARCHITECTURES

    keras.utils.set_random_seed(0)
    model = ARCHITECTURES[request.param](7)
    # Eagerly: TensorFlow takes longer to prepare a graph than to take these steps without one.
    model.compile(
        keras.optimizers.Adam(1e-3), keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True
    )
    rng = np.random.default_rng(0)
    faces = rng.uniform(-1, 1, (16, 48, 48, 1)).astype(np.float32)
    targets = np.eye(7, dtype=np.float32)[np.arange(16) % 7]
    losses = [float(model.train_on_batch(faces, targets)) for _ in range(5)]
    return model, faces, losses


def test_the_registry_holds_all() -> None:
    from fer_training.models.architectures import ARCHITECTURES

    assert tuple(ARCHITECTURES) == NAMES


def test_a_few_steps_lower_the_loss(network: Any) -> None:
    _, _, losses = network
    assert min(losses[2:]) < losses[0]


def test_input_and_logits_have_the_agreed_shape(network: Any) -> None:
    model, faces, _ = network
    assert model.input.shape == (None, 48, 48, 1)
    answer = model.predict_on_batch(faces)
    assert answer.shape == (16, 7)
    assert answer.dtype == np.float32
    assert not np.allclose(answer.sum(axis=1), 1, atol=1e-2), "expected logits, not probabilities"


def test_it_stays_within_the_budget(network: Any) -> None:
    from fer_training.models.cost import cost

    counted = cost(network[0])
    assert 10_000 < counted.parameters <= 2_000_000
    # 40 M is what a served network may cost; vgg is here to be compared with and has 40.4 M.
    assert 1e6 < counted.multiply_adds <= (41e6 if network[0].name == "vgg" else 40e6)


def test_its_file_opens_without_this_package(network: Any, tmp_path: Path) -> None:
    model, faces, _ = network
    path = tmp_path / "network.keras"
    model.save(path)
    with zipfile.ZipFile(path) as file:
        config = json.loads(file.read("config.json"))
    assert {module.split(".")[0] for module in _modules(config)} <= {"keras", "builtins"}
    opened = keras.saving.load_model(path)
    np.testing.assert_array_equal(opened.predict_on_batch(faces), model.predict_on_batch(faces))


def _modules(config: Any) -> set[str]:
    if isinstance(config, list):
        return set().union(*map(_modules, config))
    if not isinstance(config, dict):
        return set()
    own = {config["module"]} if isinstance(config.get("module"), str) else set()
    return own.union(*map(_modules, config.values()))


def test_the_exported_graph_gives_the_same_answers(network: Any) -> None:
    ort = pytest.importorskip("onnxruntime", reason="needs the extra `export`")
    pytest.importorskip("tf2onnx", reason="needs the extra `export`")
    from fer_client.contract import LABELS
    from fer_export.graphs import expression_graph
    from fer_export.network import Description, Network

    model, faces, _ = network
    served = Network(model, (48, 48, 1), Description(LABELS, (-1.0, 1.0), temperature=1.5), "")
    graph = expression_graph(served).SerializeToString()
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: faces})[0]
    np.testing.assert_allclose(answer, softmax(model.predict_on_batch(faces), 1.5), atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_classes(name: str) -> None:
    from fer_training.models.architectures import ARCHITECTURES

    assert ARCHITECTURES[name](2).output.shape == (None, 2)
