"""Batches of face crops to a Triton server over gRPC, several at once, each with a deadline."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import grpc
import numpy as np
import tritonclient.grpc as triton
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from fer_client.contract import EXPRESSION, FACES, MODEL, VALENCE_AROUSAL, Contract, read_contract
from fer_client.errors import ContractError, FerError, ServerError, ServerLostError
from fer_client.inference.access import Access
from fer_client.inference.addresses import host_of, split_url
from fer_client.inference.channel import connect, open_channel
from fer_client.inference.unavailable import explain_refusal, explain_unavailable

_CLOSE_S = 2.0
"""A channel waits for its thread for good where that could not be started, for want of memory."""

CONTROL_TIMEOUT_S = 5.0
"""Deadline of the small calls: health, metadata, configuration."""


@dataclass(frozen=True)
class Predictions:
    """The server's answer for one batch.

    `expression`: float32 [N, K] calibrated probabilities in the order of the contract's labels.
    `valence_arousal`: float32 [N, 2] in [-1, 1], or None where the server has no such output.
    """

    expression: NDArray[np.float32]
    valence_arousal: NDArray[np.float32] | None


class InferenceClient:
    """A connection to a Triton server, or to several in turn; a context manager.

    `url` is as `fer_client.inference.addresses` takes it, and `access` what the server asks of its callers.
    """

    def __init__(self, url: str, timeout_s: float, access: Access | None = None) -> None:
        self.url = url
        self.timeout_s = timeout_s
        self._access = access or Access()
        self._connect()

    def __enter__(self) -> "InferenceClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def move_to(self, url: str) -> None:
        """Go on with the server at another address."""
        self._close()
        self.url = url
        self._connect()

    def _connect(self) -> None:
        self._client = connect(self.url, self._access, self.timeout_s)
        self._channel = open_channel(self.url, self._access, self.timeout_s)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def _close(self) -> None:
        """Close both connections; where one does not come to an end of itself, leave it to the end of the process."""
        closing = threading.Thread(target=_close_each, args=((self._client, self._channel),), daemon=True)
        with suppress(RuntimeError):  # there is no memory for a thread
            closing.start()
            closing.join(_CLOSE_S)

    def read_contract(self) -> Contract:
        """Ask the server what its model `fer` takes and gives.

        Of several servers each is asked, and those that are away are left out. Raises ServerError where the server
        does not answer or is not ready, ContractError where the model is missing or differs from the contract, and
        where several servers differ.
        """
        urls = split_url(self.url)
        return self._read_contract() if len(urls) == 1 else self._common_contract(urls)

    def _common_contract(self, urls: list[str]) -> Contract:
        # All show a certificate of one name, that by which the channel to all of them asks.
        access = replace(self._access, server_name=self._access.server_name or host_of(self.url))
        contracts: dict[str, Contract] = {}
        lost: ServerLostError | None = None
        for url in urls:
            with InferenceClient(url, self.timeout_s, access) as client:
                try:
                    contracts[url] = client.read_contract()
                except ServerLostError as error:
                    lost = error
        if lost and not contracts:
            raise lost
        first = next(iter(contracts))
        for url, contract in contracts.items():
            if not contract.is_same_network(contracts[first]):
                raise ContractError(
                    f"The servers at {first} and {url} serve different networks, so the result would mix two. Name "
                    "servers of the same model repository together."
                )
        return contracts[first]

    def _read_contract(self) -> Contract:
        self._check_ready()
        try:
            metadata = self._client.get_model_metadata(MODEL, as_json=True, client_timeout=CONTROL_TIMEOUT_S)
            config = self._client.get_model_config(MODEL, as_json=True, client_timeout=CONTROL_TIMEOUT_S)
        except InferenceServerException as error:
            raise self._explain(error) from error
        return read_contract(metadata, config["config"])

    def submit(self, crops: NDArray[np.uint8], contract: Contract) -> "Future[Predictions]":
        """Send crops, uint8 [N, *contract.crop_shape], N at most the contract's maximum batch.

        Returns at once; the future holds the Predictions, or ServerError when the deadline passes, the
        server is lost, or its answer is not N finite rows.
        """
        future: Future[Predictions] = Future()

        def receive(call: Any) -> None:
            try:
                if (code := call.code()) is not grpc.StatusCode.OK:
                    raise self._explain(InferenceServerException(call.details() or "", str(code)))
                future.set_result(_predictions(triton.InferResult(call.result()), len(crops), contract))
            except FerError as failure:
                future.set_exception(failure)
            except Exception as failure:  # else whoever waits for this future would wait for good
                future.set_exception(ServerError(f"The server's answer cannot be read: {failure}."))

        # Not by `async_infer`: of an answer that is no message it asks for a text that never comes, and gRPC's thread,
        # or this one, waits for good.
        call = self._stub.ModelInfer.future(
            _request(crops, contract), timeout=self.timeout_s, metadata=self._access.headers
        )
        call.add_done_callback(receive)
        return future

    def server_version(self) -> str:
        """Return the name and version of the server, such as `Triton 2.51.0`. Raises ServerError."""
        try:
            metadata = self._client.get_server_metadata(client_timeout=CONTROL_TIMEOUT_S)
        except InferenceServerException as error:
            raise self._explain(error) from error
        return f"Triton {metadata.version}"

    def _check_ready(self) -> None:
        try:
            ready = self._client.is_server_ready(client_timeout=CONTROL_TIMEOUT_S)
        except InferenceServerException as error:
            raise self._explain(error) from error
        if not ready:
            raise ServerError(
                f"The server at {self.url} answers but is not ready: it is still loading models, or one of them "
                "failed to load. Try again in a moment, then look at the server's log."
            )

    def _explain(self, error: InferenceServerException) -> FerError:
        """Turn a gRPC status into a sentence: what came, and what to do."""
        status, message = str(error.status()), str(error.message()).strip()
        if "has no available versions" in message:  # of a model that was served
            return ServerLostError(
                f"The server at {self.url} has taken its models away ({message}): it is stopping, or loading others. "
                "Look at the server's log."
            )
        if "NOT_FOUND" in status or "unknown model" in message:
            return ContractError(
                f"The server at {self.url} does not serve the model '{MODEL}' ({message}). "
                "Start it with this project's model_repository, or name another server with --url."
            )
        if "DEADLINE_EXCEEDED" in status:
            return ServerError(
                f"The server at {self.url} did not answer in time. Raise --timeout, lower --batch-size, or give "
                "the server more cores."
            )
        if (
            "CANCELLED" in status
        ):  # as what is under way is when this client moves to a server that was started again
            return ServerLostError(
                f"The connection to the server at {self.url} was closed ({message}). Look at the server's log."
            )
        if "UNAVAILABLE" in status:
            return explain_unavailable(self.url, message)
        if "UNAUTHENTICATED" in status or "PERMISSION_DENIED" in status:
            return explain_refusal(self.url, message)
        if "stub process" in message.lower():
            return ServerLostError(
                f"A process of the server at {self.url} has died ({message}). Start the server again."
            )
        if "UNIMPLEMENTED" in status:
            return ServerError(
                f"Something answers at {self.url}, but not as Triton's gRPC endpoint ({message}). "
                "Check the port: Triton's gRPC is 8001 by default, its HTTP 8000."
            )
        return ServerError(f"The server at {self.url} refused the request: {message} ({status}).")


def _close_each(connections: Iterable[Any]) -> None:
    for connection in connections:
        with suppress(grpc.RpcError, InferenceServerException):
            connection.close()


def _request(crops: NDArray[np.uint8], contract: Contract) -> Any:
    request = service_pb2.ModelInferRequest(model_name=MODEL)
    request.inputs.add(name=FACES, datatype="UINT8", shape=crops.shape)
    request.raw_input_contents.append(crops.tobytes())
    for name in [EXPRESSION, VALENCE_AROUSAL] if contract.has_valence_arousal else [EXPRESSION]:
        request.outputs.add(name=name)
    return request


def is_ready(url: str) -> bool:
    """Whether a ready Triton server with the model `fer` answers at HOST:PORT."""
    with InferenceClient(url, CONTROL_TIMEOUT_S) as client:
        try:
            client.read_contract()
        except FerError:
            return False
    return True


def _predictions(result: Any, count: int, contract: Contract) -> Predictions:
    expression = _output(result, EXPRESSION, (count, len(contract.labels)))
    affect = _output(result, VALENCE_AROUSAL, (count, 2)) if contract.has_valence_arousal else None
    return Predictions(expression, affect)


def _output(result: Any, name: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    array = result.as_numpy(name)
    if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
        came = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
        raise ServerError(
            f"The server's output {name} is not as declared: expected finite float32 {list(shape)}, came {came}. "
            "Check the served network with `fer-export check`."
        )
    values: NDArray[np.float32] = array
    return values
