"""Model repositories of made files, as an export writes them."""

from pathlib import Path

from tritonclient.grpc.model_config_pb2 import TYPE_FP32

from fer_client.contract import LABELS
from fer_export.repository import Tensor, build, served_models


def built(
    first: bytes, network: bytes, affect: str = "", version: int = 1, **provenance: str
) -> dict[str, bytes]:
    """Files of a repository for 96x96 crops; `affect` names the model that gives valence and arousal, if one does."""
    given = {"expression": (Tensor("EXPRESSION", TYPE_FP32, (len(LABELS),)),)}
    if affect:
        given[affect] = (*given.get(affect, ()), Tensor("VALENCE_AROUSAL", TYPE_FP32, (2,)))
    graphs = {"face_preprocess": first, **dict.fromkeys(given, network)}
    return build(served_models(graphs, (96, 96, 1), (48, 48, 1), given), LABELS, 64, provenance, version)


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file below a folder by its path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
