from pathlib import Path
from typing import Any

import pytest

from support.onnx_models import write_double

pytestmark = pytest.mark.keras
ort = pytest.importorskip("onnxruntime", reason="needs the extra `export`")

from fer_server.backends.onnxruntime import session  # noqa: E402
from fer_server.backends.onnxruntime.session import ModelError  # noqa: E402

CONFIG: dict[str, Any] = {
    "max_batch_size": 16,
    "input": [{"name": "X", "data_type": "TYPE_FP32", "dims": [4]}],
    "output": [{"name": "Y", "data_type": "TYPE_FP32", "dims": [4]}],
}


def parameters(**values: object) -> dict[str, Any]:
    return {"parameters": {name: {"string_value": str(value)} for name, value in values.items()}}


def test_parameters_of_nvidias_backend_reach_onnx_runtime() -> None:
    options = session.session_options(
        parameters(intra_op_thread_count=3, inter_op_thread_count=2, execution_mode=1, enable_mem_pattern=0)
    )
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 2)
    assert options.execution_mode == ort.ExecutionMode.ORT_PARALLEL
    assert not options.enable_mem_pattern
    assert options.enable_cpu_mem_arena


def test_without_parameters_onnx_runtime_chooses() -> None:
    options = session.session_options({})
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (0, 0)
    assert options.execution_mode == ort.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_ALL


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("-1", "ORT_ENABLE_BASIC"),
        ("1", "ORT_ENABLE_EXTENDED"),
        ("2", "ORT_DISABLE_ALL"),
        ("0", "ORT_ENABLE_ALL"),
    ],
)
def test_graph_levels_mean_what_they_mean_to_nvidias_backend(level: str, expected: str) -> None:
    options = session.session_options({"optimization": {"graph": {"level": level}}})
    assert options.graph_optimization_level == getattr(ort.GraphOptimizationLevel, expected)


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [
        ((-1, 4), ["batch", 4], True),
        ((-1, 4), [None, "free"], True),
        ((-1, -1), ["batch", "free"], True),
        ((-1, 4), [1, 4], False),
        ((-1, -1), ["batch", 4], False),
        ((-1, 5), ["batch", 4], False),
        ((-1, 4), ["batch", 4, 1], False),
        ((), [], True),
    ],
)
def test_dims_fit_a_graph_where_the_graph_leaves_them_free(
    dims: tuple[int, ...], shape: list[int | str | None], expected: bool
) -> None:
    assert session.fits(dims, shape) is expected


def test_a_reshape_is_what_the_backend_sees() -> None:
    (spec,) = session.tensor_specs([{"name": "X", "data_type": "TYPE_UINT8", "dims": ["1"], "reshape": {}}])
    assert spec.dims == ()
    assert spec.dtype == "uint8"


def test_a_model_opens_and_runs(tmp_path: Path) -> None:
    path = write_double(tmp_path) / "1" / "model.onnx"
    opened = session.open_session(path, CONFIG)
    assert [tensor.name for tensor in opened.get_inputs()] == ["X"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"input": []}, r"config.pbtxt lacks the input X that model.onnx needs"),
        (
            {"max_batch_size": 0},
            r"input X as TYPE_FP32 \[4\], but model.onnx has tensor\(float\) \['batch', 4\]",
        ),
        (
            parameters(execution_mode="fast"),
            r"the parameter execution_mode is 'fast', but must be a whole number",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_is_explained(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = write_double(tmp_path) / "1" / "model.onnx"
    with pytest.raises(ModelError, match=sentence):
        session.open_session(path, CONFIG | change)
