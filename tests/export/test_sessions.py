from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("ort")]


def test_latency_grows_with_the_work(onnx: Any) -> None:
    from fer_export.sessions import latency_ms

    taken, given = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "n"]) for name in ("x", "y")
    )
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "x"], ["y"])], "square", [taken], [given]
    )
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()

    small, large = (latency_ms(model, np.ones((side, side), np.float32), 9) for side in (8, 512))

    assert 0 < small < large
