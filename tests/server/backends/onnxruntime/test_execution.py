"""What the backend answers in a real tritonserver: each request its own rows, or its own error."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from support.embedded_server import EmbeddedServer
from support.onnx_models import ONNX_TYPES
from support.triton_calls import infer, statistics

pytestmark = pytest.mark.triton


@pytest.fixture
def ask(server: EmbeddedServer) -> Iterator[Callable[..., dict[str, np.ndarray]]]:
    """Send arrays by input name; gives the outputs by name."""
    with triton.InferenceServerClient(server.grpc) as client:
        yield lambda model, **arrays: infer(client, model, **arrays)


def test_an_ensemble_answers_as_numpy_does(ask: Callable[..., dict[str, np.ndarray]]) -> None:
    rows = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    np.testing.assert_array_equal(ask("fourfold", X=rows)["Y"], 4 * rows)


@pytest.mark.parametrize("kind", ONNX_TYPES)
def test_every_data_type_comes_back_as_it_went(kind: str, ask: Callable[..., dict[str, np.ndarray]]) -> None:
    dtype = triton_to_np_dtype(kind)
    sent = np.random.default_rng(0).integers(0, 2, (3, 5, 2)).astype(dtype)
    received = ask(f"same_{kind.lower()}", X=sent)["Y"]
    assert received.dtype == dtype
    np.testing.assert_array_equal(received, sent)


def test_requests_share_runs_and_keep_their_own_rows(server: EmbeddedServer) -> None:
    before = statistics(server, "two")
    rng = np.random.default_rng(0)
    sent = [rng.normal(size=(2, 1 + i % 3, 3)).astype(np.float32) for i in range(24)]
    with triton.InferenceServerClient(server.grpc) as client, ThreadPoolExecutor(len(sent)) as pool:
        answers = list(pool.map(lambda pair: infer(client, "two", A=pair[0], B=pair[1]), sent))
    for (a, b), answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(answer["SUM"], a + b)
        np.testing.assert_array_equal(answer["DIFFERENCE"], a - b)
    after = statistics(server, "two")
    executions = after["execution_count"] - before.get("execution_count", 0)
    assert after["inference_count"] - before.get("inference_count", 0) == 48
    assert executions < len(sent)


def test_a_bad_request_fails_alone(server: EmbeddedServer) -> None:
    indices = [0, 1, 99, 3, 4, 5, 6, 7]

    def look_up(index: int) -> float | str:
        with triton.InferenceServerClient(server.grpc) as client:
            try:
                return float(infer(client, "lookup", INDEX=np.array([[index]], np.int64))["Y"][0, 0])
            except InferenceServerException as error:
                return str(error)

    with ThreadPoolExecutor(len(indices)) as pool:
        answers = list(pool.map(look_up, indices))
    bad = answers.pop(2)
    assert isinstance(bad, str)
    assert "out of data bounds" in bad
    assert answers == [float(index) for index in indices if index != 99]
    assert statistics(server, "lookup")["execution_count"] < len(indices)


def test_each_instance_is_a_process_of_its_own(server: EmbeddedServer) -> None:
    command_lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in server.processes()]
    assert sum(b"triton_python_backend_stub\0" in line and b"/double/" in line for line in command_lines) == 2


def test_a_wrong_shape_is_refused_by_name(ask: Callable[..., dict[str, np.ndarray]]) -> None:
    with pytest.raises(InferenceServerException, match="unexpected shape for input 'X' for model 'double'"):
        ask("double", X=np.zeros((1, 5), np.float32))
