"""A trained Keras network, as it is read from its file."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import onnx

from fer_client.errors import InputError, UsageError
from fer_export.description import Description, is_saved_model, require_labels
from fer_export.graphs import expression_graph
from fer_export.preprocessing import Float32Array

if TYPE_CHECKING:
    from fer_export.affect import Affect

HDF5 = (".h5", ".hdf5")
"""Endings by which Keras knows the files of its older versions."""


@dataclass(frozen=True)
class Network:
    """A Keras model whose shapes fit its description.

    `input_shape` is (height, width, channels); `weights_sha256` is the checksum of the file it came from.
    """

    model: Any
    input_shape: tuple[int, int, int]
    description: Description
    weights_sha256: str

    def outputs(self, network_input: Float32Array) -> Float32Array:
        """Keras's own answers FP32 [N, K] to FP32 [N, *input_shape], as they leave the last layer."""
        return np.asarray(self.model(network_input, training=False), np.float32)

    def parts(self, network_input: Any) -> tuple[Any, Any]:
        """What the layer `logits` reads, [N, F], and the calibrated probabilities [N, K], as tensors of TensorFlow.

        Raises InputError for a network without such a layer.
        """
        import tensorflow as tf

        features, logits = self._split(network_input, training=False)
        return features, tf.nn.softmax(tf.cast(logits, tf.float32) / self.description.temperature)

    @cached_property
    def _split(self) -> Any:
        last = self.model.layers[-1] if isinstance(self.model, keras.Model) else None
        if last is None:
            raise InputError(
                "A SavedModel has no layers: valence and arousal can stand behind one of fer-train's networks alone."
            )
        if last.name != "logits" or self.description.output != "logits":
            raise InputError(
                f"The network ends with the layer {last.name}, expected the dense layer `logits` of fer-train's "
                "networks: valence and arousal can stand behind one of these alone."
            )
        return keras.Model(self.model.input, [last.input, last.output])

    def graph(self, affect: "Affect | None" = None) -> onnx.ModelProto:
        """The model `expression` in ONNX, with the valence and arousal that stand behind it, if any."""
        return expression_graph(self, affect)

    def versions(self) -> dict[str, str]:
        """Versions that the graph depends on."""
        import tensorflow as tf
        import tf2onnx

        return {"keras": keras.__version__, "tensorflow": tf.__version__, "tf2onnx": tf2onnx.__version__}


def load_network(weights: Path, description: Description, is_trusted: bool = False) -> Network:
    """Read a `.keras` file, an HDF5 file of older Keras or a SavedModel, and check that it is an image classifier.

    All can hold code that runs as they are read or asked; such a file is opened only where `is_trusted`. Raises
    InputError for a file that cannot be read or whose shapes do not fit, UsageError where the labels, size or channels
    do not fit the network or trust is missing.
    """
    model = (
        _load_saved_model(weights, is_trusted) if is_saved_model(weights) else load_model(weights, is_trusted)
    )
    input_shape = _input_shape(model, weights, description)
    width = _output_width(model, weights)
    require_labels(weights, width, description.labels)
    if isinstance(model, keras.Model):
        # Old files wrap the single input in a list, of which Keras 3 warns at every call.
        model = keras.Model(model.inputs[0], model.outputs[0])
        _compute_in_fp32(model)
    return Network(model, input_shape, description, _checksum(weights))


def _checksum(weights: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files of a folder."""
    if weights.is_file():
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for path in sorted(path for path in weights.rglob("*") if path.is_file()):
        whole.update(path.relative_to(weights).as_posix().encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


class _SavedModel:
    """A SavedModel's signature for serving, called as a Keras model is."""

    def __init__(self, loaded: Any, signature: Any) -> None:
        self._loaded = loaded  # holds the variables
        self._signature = signature
        specs = signature.structured_input_signature[1]
        self._name = next(iter(specs), "")
        self.inputs = list(specs.values())
        self.outputs = list(signature.structured_outputs.values())

    def __call__(self, pictures: Any, training: bool) -> Any:  # noqa: ARG002
        import tensorflow as tf

        given = {self._name: tf.cast(pictures, self.inputs[0].dtype)}
        return next(iter(self._signature(**given).values()))


def _load_saved_model(folder: Path, is_trusted: bool) -> _SavedModel:
    import tensorflow as tf

    if not is_trusted:
        raise _untrusted(
            folder, "a SavedModel is a program of TensorFlow, which can read and write files as it runs"
        )
    try:
        loaded = tf.saved_model.load(folder)
        signature = loaded.signatures["serving_default"]
    except Exception as error:  # TensorFlow raises whatever its readers happen to raise.
        raise InputError(
            f"{folder} could not be read as a SavedModel with the signature `serving_default` "
            f"({_first_sentence(error)}): write it with model.export('NAME') from Keras."
        ) from error
    return _SavedModel(loaded, signature)


def load_model(weights: Path, is_trusted: bool) -> Any:
    """Open a Keras file; InputError where it cannot be read, UsageError where it needs trust."""
    # Only newer versions of Keras look for code in HDF5, so that none is opened on their word.
    if weights.suffix in HDF5 and not is_trusted:
        raise _untrusted(weights, "a file of older Keras can hold code that runs as it is read")
    try:
        return keras.models.load_model(weights, compile=False, safe_mode=not is_trusted)
    except Exception as error:  # Keras raises whatever its readers of zip, HDF5 and JSON happen to raise.
        if not is_trusted and "safe_mode" in str(error):  # Keras's word for what it refused
            raise _untrusted(
                weights, "it holds Python code, as of a Lambda layer, that runs as it is read"
            ) from error
        raise InputError(
            f"{weights} could not be read as a Keras network of stock layers ({_first_sentence(error)}): "
            "save it with model.save('NAME.keras') from Keras 3."
        ) from error


def _untrusted(weights: Path, reason: str) -> UsageError:
    return UsageError(f"{weights} was not opened, because {reason}: give --trust if you trust its maker.")


def _compute_in_fp32(model: Any) -> None:
    """Undo mixed precision, which keeps FP32 weights but would put casts around every layer of the graph."""
    for layer in model.layers:
        layer.dtype_policy = "float32"
        if isinstance(layer, keras.Model):
            _compute_in_fp32(layer)


def _first_sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].split(". ")[0].removesuffix(".") if lines else type(error).__name__


def _input_shape(model: Any, weights: Path, description: Description) -> tuple[int, int, int]:
    tensors = list(getattr(model, "inputs", None) or [])
    shapes = [_sizes(tensor) for tensor in tensors]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise InputError(
            f"{weights.name} takes {_shapes(shapes)}, expected one input [batch, height, width, 1 or 3]: "
            "only image classifiers with channels last can be exported."
        )
    batch, height, width, channels = shapes[0]
    if batch is not None:
        raise InputError(
            f"{weights.name} takes batches of {batch} alone, expected any: save it with an input whose batch is open, "
            "as keras.Input(shape) makes it."
        )
    if height in (1, 3) and channels not in (1, 3, None):
        raise InputError(
            f"{weights.name} takes {_shapes(shapes)}, with the channels first: save it with channels last."
        )
    return description.input_shape(weights, height, width, channels)


def _output_width(model: Any, weights: Path) -> int:
    shapes = [_sizes(tensor) for tensor in model.outputs]
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][1] is not None:
        return int(shapes[0][1])
    raise InputError(
        f"{weights.name} gives {_shapes(shapes)}, expected one output [batch, classes]: "
        "cut the network down to its classifier before export."
    )


def _sizes(tensor: Any) -> tuple[int | None, ...]:
    """The shape of Keras's or TensorFlow's tensor; empty where not even the number of axes is known."""
    return tuple(tensor.shape) if getattr(tensor.shape, "rank", 0) is not None else ()


def _shapes(shapes: list[tuple[int | None, ...]]) -> str:
    return (
        " and ".join(str(["batch" if size is None else size for size in shape]) for shape in shapes)
        or "nothing"
    )
