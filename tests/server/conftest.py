from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support.embedded_server import EmbeddedServer, embedded_server
from support.onnx_models import ONNX_TYPES, write_double, write_model

GATHERING = "dynamic_batching { max_queue_delay_microseconds: 200000 }"
ENSEMBLE = """
name: "fourfold"
platform: "ensemble"
max_batch_size: 16
input [ { name: "X" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] } ]
ensemble_scheduling {
  step [
    { model_name: "double" model_version: -1
      input_map { key: "X" value: "X" } output_map { key: "Y" value: "MIDDLE" } },
    { model_name: "double" model_version: -1
      input_map { key: "X" value: "MIDDLE" } output_map { key: "Y" value: "Y" } }
  ]
}
"""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models for every question that one running server can answer."""
    root = tmp_path_factory.mktemp("models")
    write_double(root, "instance_group [ { kind: KIND_CPU count: 2 } ]\n" + GATHERING)
    (root / "fourfold" / "1").mkdir(parents=True)
    (root / "fourfold" / "config.pbtxt").write_text(ENSEMBLE)
    table = np.arange(10, dtype=np.float32)
    lookup = [("Gather", ["TABLE", "INDEX"], ["Y"])]
    write_model(
        root, "lookup", lookup, [("INDEX", "INT64", (1,))], [("Y", "FP32", (1,))], {"TABLE": table}, GATHERING
    )
    for kind in ONNX_TYPES:
        same = [("Identity", ["X"], ["Y"])]
        write_model(root, f"same_{kind.lower()}", same, [("X", kind, (-1, 2))], [("Y", kind, (-1, 2))])
    two = [("Add", ["A", "B"], ["SUM"]), ("Sub", ["A", "B"], ["DIFFERENCE"])]
    write_model(
        root,
        "two",
        two,
        [("A", "FP32", (3,)), ("B", "FP32", (3,))],
        [("SUM", "FP32", (3,)), ("DIFFERENCE", "FP32", (3,))],
        extra=GATHERING,
    )
    return root


@pytest.fixture(scope="session")
def server(models: Path) -> Iterator[EmbeddedServer]:
    """A tritonserver with these models, for all tests that ask one, and not asked by fer-server itself."""
    options = ("--allow-http=true", "--allow-metrics=true", "--probe-interval=0")
    with embedded_server(models, *options) as running:
        yield running
