"""The class that Triton's Python stub drives: `initialize` once, then `execute` for every batch of requests."""

import ctypes
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from fer_server.backends.onnxruntime.batching import Arrays, allocate, group, join, split
from fer_server.backends.onnxruntime.session import ModelError, one_line, open_session, tensor_specs

_set_capsule_destructor = ctypes.pythonapi.PyCapsule_SetDestructor
_set_capsule_destructor.argtypes = [ctypes.py_object, ctypes.c_void_p]


class TritonPythonModel:
    """One instance of a model: an ONNX Runtime session and the memory for its joined inputs."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the ONNX file of the version that Triton asks for."""
        config = json.loads(args["model_config"])
        file = config.get("default_model_filename") or "model.onnx"
        # A link in a repository that fer-server has fitted; an error shall name the user's own folder.
        folder = Path(args["model_repository"], args["model_version"]).resolve()
        try:
            self._session = open_session(folder / file, config)
        except ModelError as error:
            raise pb_utils.TritonModelException(str(error)) from None
        inputs = tensor_specs(config["input"])
        self._inputs = [spec.name for spec in inputs]
        self._outputs = [spec.name for spec in tensor_specs(config["output"])]
        rows = int(config.get("max_batch_size", 0))
        self._batched = rows > 0
        self._buffers = allocate([(spec.dims, spec.dtype) for spec in inputs], rows)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer each request, in order; one that fails gets an error of its own."""
        arrays = [
            tuple(np.from_dlpack(_input(request, name)) for name in self._inputs) for request in requests
        ]
        responses: dict[int, Any] = {}
        shapes = {index: tuple(array.shape for array in request) for index, request in enumerate(arrays)}
        for members in group(shapes, self._batched):
            answers = self._answer([arrays[index] for index in members])
            responses.update(zip(members, answers, strict=True))
        return [responses[index] for index in range(len(requests))]

    def _answer(self, requests: Sequence[Arrays]) -> list[Any]:
        """Run requests of one shape together, and each alone when that fails, to find which is at fault."""
        try:
            outputs = self._run(requests)
        except Exception as error:  # ONNX Runtime's exceptions share no base class but this.
            if len(requests) > 1:
                return [answer for request in requests for answer in self._answer([request])]
            return [pb_utils.InferenceResponse([], pb_utils.TritonError(one_line(error)))]
        return [pb_utils.InferenceResponse(list(map(_tensor, self._outputs, arrays))) for arrays in outputs]

    def _run(self, requests: Sequence[Arrays]) -> list[Arrays]:
        feed = dict(zip(self._inputs, join(requests, self._buffers), strict=True))
        outputs = tuple(self._session.run(self._outputs, feed))
        if not self._batched:
            return [outputs]
        return split(outputs, [len(request[0]) for request in requests])


def _input(request: Any, name: str) -> Any:
    return pb_utils.get_input_tensor_by_name(request, name)


def _tensor(name: str, array: np.ndarray[Any, Any]) -> Any:
    """Hand an array to Triton through DLPack, without a copy.

    The stub's own route for NumPy arrays reads NumPy 1's memory layout and finds empty arrays under NumPy 2. DLPack
    does not, but the stub marks a consumed capsule with another name than NumPy's destructor looks for, which then
    complains on stderr. The stub calls the tensor's deleter itself, so the capsule's destructor has nothing to do.
    """
    capsule = array.__dlpack__()
    _set_capsule_destructor(capsule, None)
    return pb_utils.Tensor.from_dlpack(name, capsule)
