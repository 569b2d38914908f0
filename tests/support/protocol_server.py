"""An in-process gRPC server that speaks Triton's protocol, so that the client is tested over a real wire.

It answers for a model `fer` with arithmetic instead of a network: each crop's mean luma decides the
probabilities, so a test can tell from an answer which crop was sent. Its attributes make it misbehave.
"""

import json
import threading
from concurrent import futures
from functools import cache
from types import TracebackType

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2, service_pb2_grpc

from fer_client.inference.probe import probe_crops

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def expected_probabilities(
    crops: NDArray[np.uint8], count: int = len(LABELS), temperature: float = 1.0
) -> NDArray[np.float32]:
    """What the server answers for crops, uint8 [N, H, W, C]: float32 [N, count], rows sum to 1."""
    light = crops.mean(axis=(1, 2, 3), dtype=np.float64) / 255
    scores = np.stack([np.cos(3 * light + column) for column in range(count)], axis=1)
    scores = np.exp(scores / temperature)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@cache
def _drawn(crop_shape: tuple[int, int, int]) -> frozenset[bytes]:
    """The crops by which the client tells networks apart."""
    return frozenset(crop.tobytes() for crop in probe_crops(crop_shape))


class _Garbage(grpc.ServerInterceptor):
    """Answers requests with bytes that are no message of the protocol, where the server is told to."""

    def __init__(self, server: "ProtocolServer") -> None:
        self._server = server

    def intercept_service(self, continuation, handler_call_details):
        if self._server.sends_garbage and handler_call_details.method.endswith("ModelInfer"):
            return grpc.unary_unary_rpc_method_handler(self._answer)
        return continuation(handler_call_details)

    def _answer(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        self._server.asked.set()
        return b"\xff" * 40


class ProtocolServer(service_pb2_grpc.GRPCInferenceServiceServicer):
    """A context manager; `url` is its address. Set attributes before the call that shall misbehave.

    The crops by which the client tells networks apart are answered like others, but not counted, and without
    misbehaving, so that a test decides when the faces of its input come.
    """

    def __init__(self) -> None:
        self.ready = True
        self.model = "fer"
        self.labels = list(LABELS)
        self.crop_shape = (96, 96, 1)
        self.input_name = "FACES"
        self.input_type = "UINT8"
        self.output_width: int | None = None
        self.with_affect = False
        self.temperature = 1.0
        self.noise = 0.0
        self.max_batch_size = 64
        self.answer_rows: int | None = None
        self.failure: grpc.StatusCode | None = None
        self.reason = "made to fail"
        self.failures_left = 1_000_000
        self.fail_after: int | None = None
        self.cut_answer = 0
        self.sends_garbage = False
        self.hang = threading.Event()
        self.hang.set()
        self.asked = threading.Event()
        self.batches: list[int] = []
        self.most_under_way = 0
        self._under_way = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "ProtocolServer":
        self._server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[_Garbage(self)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, self._server)
        self.url = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang.set()
        self._server.stop(None).wait()

    # The names below are those of Triton's gRPC service.

    def ServerReady(self, request, context):
        return service_pb2.ServerReadyResponse(ready=self.ready)

    def ServerMetadata(self, request, context):
        return service_pb2.ServerMetadataResponse(name="triton", version="2.51.0")

    def ModelMetadata(self, request, context):
        self._check_model(request.name, context)
        tensor = service_pb2.ModelMetadataResponse.TensorMetadata
        outputs = [
            tensor(name="EXPRESSION", datatype="FP32", shape=[-1, self.output_width or len(self.labels)])
        ]
        if self.with_affect:
            outputs.append(tensor(name="VALENCE_AROUSAL", datatype="FP32", shape=[-1, 2]))
        faces = tensor(name=self.input_name, datatype=self.input_type, shape=[-1, *self.crop_shape])
        return service_pb2.ModelMetadataResponse(name="fer", versions=["1"], inputs=[faces], outputs=outputs)

    def ModelConfig(self, request, context):
        self._check_model(request.name, context)
        response = service_pb2.ModelConfigResponse()
        response.config.name = "fer"
        response.config.max_batch_size = self.max_batch_size
        response.config.parameters["labels"].string_value = json.dumps(self.labels)
        if self.with_affect:
            response.config.parameters["valence_arousal"].string_value = "Made up."
        return response

    def ModelInfer(self, request, context):
        self._check_model(request.model_name, context)
        with self._lock:
            self._under_way += 1
            self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            return self._infer(request, context)
        finally:
            with self._lock:
                self._under_way -= 1

    def _infer(self, request, context):
        shape = list(request.inputs[0].shape)
        crops = np.frombuffer(request.raw_input_contents[0], np.uint8).reshape(shape)
        drawn = _drawn(tuple(shape[1:]))
        if all(crop.tobytes() in drawn for crop in crops):
            return self._answer(request, crops, len(crops), 0)
        self.asked.set()
        self.hang.wait()
        if self.failure is not None and self.failures_left > 0:
            self.failures_left -= 1
            context.abort(self.failure, self.reason)
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            context.abort(grpc.StatusCode.INTERNAL, "made to fail")
        with self._lock:
            self.batches.append(len(crops))
        rows = len(crops) if self.answer_rows is None else self.answer_rows
        return self._answer(request, crops, rows, self.cut_answer)

    def _answer(self, request, crops, rows, cut):
        probabilities = expected_probabilities(crops, len(self.labels), self.temperature) + self.noise
        answers = {"EXPRESSION": probabilities.astype(np.float32)[:rows]}
        if self.with_affect:
            answers["VALENCE_AROUSAL"] = np.tile(np.float32([0.25, -0.5]), (rows, 1))
        response = service_pb2.ModelInferResponse(model_name="fer", model_version="1")
        for requested in request.outputs:
            array = answers[requested.name]
            output = response.outputs.add(name=requested.name, datatype="FP32")
            output.shape.extend(array.shape)
            response.raw_output_contents.append(array.tobytes()[: array.nbytes - cut])
        return response

    def _check_model(self, name: str, context: grpc.ServicerContext) -> None:
        if name != self.model:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{name}' is not found")
