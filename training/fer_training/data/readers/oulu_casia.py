"""Oulu-CASIA (Zhao et al. 2011): `VL/Strong/<person>/<expression>/` with the frames of visible, strong light.

The pictures are taken whole. Those of `OriginalImg` show the whole head and shoulders: give a folder of the same layout
with the faces cut out.
"""

from collections.abc import Iterator
from pathlib import Path

from fer_client.contract import LABELS
from fer_client.errors import InputError
from fer_training.data.preparation import Source, read_luma
from fer_training.data.readers.places import first_place
from fer_training.data.readers.sequences import NOTE, FrameSequence, folders, pictures, samples

CODES = {
    "anger": "angry", "disgust": "disgust", "fear": "fear", "happiness": "happy", "sadness": "sad",
    "surprise": "surprise",
}  # fmt: skip
"""The contract's labels by the names of the folders, in lower case."""

PLACES = ["VL/Strong", "OriginalImg/VL/Strong", "Oulu_CASIA_NIR_VIS/VL/Strong"]


def read_oulu_casia(root: Path) -> Source:
    """Read the sequences of visible, strong light; the classes are the contract's seven.

    Raises InputError where the folder is missing or one of its folders is named after no expression.
    """
    place = first_place(root, PLACES, "the folder VL/Strong", "Oulu-CASIA's")
    found = samples(root, _sequences(place), LABELS.index("neutral"), read_luma)
    return Source("oulu_casia", LABELS, found, (NOTE,))


def _sequences(place: Path) -> Iterator[FrameSequence]:
    for person in folders(place):
        for expression in folders(person):
            if expression.name.lower() not in CODES:
                raise InputError(
                    f"Expected folders named {', '.join(CODES)} in {person}, got {expression.name}. Remove it."
                )
            frames = pictures(expression)
            if len(frames) > 1:
                yield FrameSequence(frames, LABELS.index(CODES[expression.name.lower()]), person.name)
