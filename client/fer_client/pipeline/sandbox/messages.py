"""What the process that decodes says, byte by byte: nothing in it is believed before it is checked.

A message is a length in four bytes, so many bytes of JSON, an object of one of these kinds, and for `faces` the arrays
behind it, boxes, scores and crops, each as long as the number of faces says.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from fer_client.faces.alignment import FaceCrops
from fer_client.media.frame import VideoInfo

FACES, UNREADABLE, OPENED, AT_WORK, ENDED, FAILED, REFUSED = (
    "faces",
    "unreadable",
    "opened",
    "at work",
    "ended",
    "failed",
    "refused",
)

_LENGTH = struct.Struct("<I")
_LONGEST = 1 << 16
_LONGEST_TEXT = 4000
_MOST_FACES = 10_000
_MOST = 1 << 53
_STAGES = ("decode", "detect", "crop")

_KINDS: Mapping[str, tuple[type, ...]] = {
    "width": (int,),
    "height": (int,),
    "rotation_deg": (int,),
    "start_s": (int, float),
    "bytes_per_pixel": (int, float),
    "duration_s": (int, float, type(None)),
    "shown_until_s": (int, float, type(None)),
    "frame_count": (int, type(None)),
    "is_live": (bool,),
    "name": (str,),
    "codec": (str,),
}


class WrongMessageError(Exception):
    """What came is no message."""


def message(kind: str, **values: object) -> bytes:
    """Write a message without arrays."""
    data = json.dumps({"kind": kind} | values).encode("ascii")
    return _LENGTH.pack(len(data)) + data


def faces_message(faces: FaceCrops) -> bytes:
    """Write the faces of one frame."""
    head = message(
        FACES,
        index=faces.index,
        time_s=faces.time_s,
        starts_shot=faces.starts_shot,
        count=len(faces.scores),
    )
    arrays = (faces.boxes_xywh.astype("<i4"), faces.scores.astype("<f4"), faces.crops)
    return b"".join((head, *(array.tobytes() for array in arrays)))


def info_values(info: VideoInfo) -> dict[str, Any]:
    """Return what is known of a video as it goes into a message."""
    return asdict(info)


def read_message(read: Callable[[int], bytes]) -> dict[str, Any]:
    """Read the JSON of the next message with `read`, which gives exactly so many bytes. Raises WrongMessageError."""
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > _LONGEST:
        raise WrongMessageError("its length")
    try:
        values = json.loads(read(length))
    except (ValueError, RecursionError) as error:
        raise WrongMessageError("its form") from error
    if not isinstance(values, dict):
        raise WrongMessageError("its form")
    return values


def read_faces(
    values: Mapping[str, Any], read: Callable[[int], bytes], crop_shape: tuple[int, int, int]
) -> FaceCrops:
    """Read the arrays behind a message of faces, and make them. Raises WrongMessageError."""
    count = whole_number(values, "count", _MOST_FACES)
    index, time_s = whole_number(values, "index"), number(values, "time_s")
    boxes = np.frombuffer(read(16 * count), "<i4").reshape(count, 4).astype(np.int32)
    scores = np.frombuffer(read(4 * count), "<f4").astype(np.float32)
    crops = np.frombuffer(read(count * math.prod(crop_shape)), np.uint8).reshape(count, *crop_shape)
    if count and (boxes[:, 2:].min() < 0 or np.isinf(scores).any()):
        raise WrongMessageError("its boxes or scores")
    return FaceCrops(index, time_s, boxes, scores, crops, values.get("starts_shot") is True)


def read_info(values: Mapping[str, Any], name: str) -> VideoInfo:
    """Make a video's description, by the name that is known here. Raises WrongMessageError."""
    found = values.get("info")
    if not isinstance(found, dict) or found.keys() != _KINDS.keys():
        raise WrongMessageError("its description of the video")
    for key, kinds in _KINDS.items():
        value = found[key]
        is_of_kind = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if not is_of_kind or (isinstance(value, int | float) and not _is_bounded(value)):
            raise WrongMessageError(f"its {key}")
    if min(found["width"], found["height"], found["frame_count"] or 0) < 0:
        raise WrongMessageError("its size")
    return VideoInfo(**found | {"name": name, "codec": found["codec"][:64], "is_live": False})


def read_stages(values: Mapping[str, Any]) -> dict[str, tuple[float, int]]:
    """Read the seconds and the runs of each stage. Raises WrongMessageError."""
    stages = values.get("stages")
    if not isinstance(stages, dict) or not set(stages) <= set(_STAGES):
        raise WrongMessageError("its stages")
    return {
        name: (number(entry, "seconds"), whole_number(entry, "count"))
        for name, entry in stages.items()
        if isinstance(entry, dict)
    }


def _is_bounded(value: float) -> bool:
    """Whether a number is one, and no larger than what a float tells exactly."""
    return -_MOST <= value <= _MOST


def whole_number(values: Mapping[str, Any], name: str, most: int = _MOST) -> int:
    """Read a number from 0 to `most`. Raises WrongMessageError."""
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise WrongMessageError(f"its {name}")
    return value


def number(values: Mapping[str, Any], name: str) -> float:
    """Read a number. Raises WrongMessageError."""
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not _is_bounded(value):
        raise WrongMessageError(f"its {name}")
    return float(value)


def text(values: Mapping[str, Any], name: str) -> str:
    """Read a sentence. Raises WrongMessageError."""
    value = values.get(name)
    if not isinstance(value, str):
        raise WrongMessageError(f"its {name}")
    return value[:_LONGEST_TEXT]
