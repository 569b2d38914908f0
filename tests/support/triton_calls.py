"""Calls to a running tritonserver."""

import json
import urllib.request
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import np_to_triton_dtype

from support.embedded_server import EmbeddedServer


def infer(client: Any, model: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Send arrays by input name; give the outputs by name."""
    inputs = []
    for name, array in arrays.items():
        inputs.append(triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype)))
        inputs[-1].set_data_from_numpy(array)
    answer = client.infer(model, inputs)
    return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}


def statistics(server: EmbeddedServer, model: str) -> dict[str, Any]:
    """What the server has counted of a model."""
    with urllib.request.urlopen(f"http://{server.http}/v2/models/{model}/stats", timeout=10) as answer:
        return json.load(answer)["model_stats"][0]
