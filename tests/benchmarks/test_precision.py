import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pages import precision
from fer_client.errors import InputError
from support.onnx_models import write_onnx
from support.prepared_data import write_data

RECORD = {
    "processor": "Some CPU",
    "int8_instructions": ["avx512_vnni"],
    "onnxruntime": "1.32.0",
    "load": 0.3,
    "batch": 32,
    "data": "fer2013 PublicTest",
    "networks": {
        "fp32": {
            "bytes": 6_461_642,
            "images": 3589,
            "labels": 0.6071,
            "voted": 2854,
            "voters": 0.9117,
            "1 thread": {"faces_per_s": 400, "times_as_fast": 1.0},
            "2 threads": {"faces_per_s": 700, "times_as_fast": 1.0},
        },
        "int8": {
            "bytes": 1_710_679,
            "images": 3589,
            "labels": 0.6085,
            "voted": 2854,
            "voters": 0.9100,
            "1 thread": {"faces_per_s": 1200, "times_as_fast": 3.0},
            "2 threads": {"faces_per_s": 2100, "times_as_fast": 3.01},
        },
    },
}


def test_table_has_a_column_for_each_precision() -> None:
    told = precision(RECORD)

    assert "|  | fp32 | int8 |" in told
    assert "6.5 MB" in told
    assert "91.17 %" in told
    assert "3.0 times" in told
    assert "Some CPU" in told


@pytest.mark.keras
class TestMeasure:
    @pytest.fixture
    def networks(self, tmp_path: Path) -> dict[str, Path]:
        onnx = pytest.importorskip("onnx", reason="needs the extra `export`")
        pytest.importorskip("onnxruntime", reason="needs the extra `export`")
        path = write_onnx(tmp_path / "net.onnx", (48, 48, 1))
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {"input_range": "[-1.0, 1.0]"})
        model.graph.node[-1].output[0] = model.graph.output[0].name = "EXPRESSION"
        onnx.save(model, path)
        bare = write_onnx(tmp_path / "bare.onnx", (48, 48, 1))
        return {"net": path, "bare": bare}

    def test_both_speed_and_accuracy(self, networks: dict[str, Path], tmp_path: Path) -> None:
        import onnxruntime as ort

        from benchmarks.precision import measure
        from fer_training.data.dataset import load_dataset

        rng = np.random.default_rng(0)
        pictures = (rng.integers(0, 256, (50, 48, 48)) * rng.uniform(0, 1, (50, 1, 1))).astype(np.uint8)
        session = ort.InferenceSession(networks["net"], providers=["CPUExecutionProvider"])
        own = session.run(None, {"NETWORK_INPUT": pictures[..., None].astype(np.float32) / 127.5 - 1})[0]
        labels = own.argmax(axis=1)
        labels[:5] = (labels[:5] + 1) % 3
        data = write_data(tmp_path / "data", ("a", "b", "c"), pictures[:3], pictures, labels)

        record = measure({"one": networks["net"], "same": networks["net"]}, load_dataset(data))

        assert record["networks"]["one"]["labels"] == 0.9
        assert record["networks"]["one"]["images"] == 50
        assert record["networks"]["one"]["1 thread"]["times_as_fast"] == 1
        assert record["networks"]["same"]["2 threads"]["faces_per_s"] > 0
        assert json.loads(json.dumps(record)) == record
        with pytest.raises(InputError, match="network that fer-export wrote"):
            measure({"bare": networks["bare"]}, load_dataset(data))
