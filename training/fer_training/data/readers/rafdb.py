"""RAF-DB's basic set (Li et al. 2017): `list_patition_label.txt` and the pictures in `aligned/`.

The list's name is spelled so. RAF-DB has no validation split: a share of its training images is held out.
"""

from collections.abc import Iterator
from pathlib import Path

from fer_client.contract import LABELS
from fer_training.data.preparation import Sample, Source, held_out, read_luma
from fer_training.data.readers.places import first_place
from fer_training.data.readers.text import damaged, text_lines

CODES = {"1": "surprise", "2": "fear", "3": "disgust", "4": "happy", "5": "sad", "6": "angry", "7": "neutral"}
HELD_OUT_PERCENT = 10
LIST = "list_patition_label.txt"
PUBLISHED = 12_271 + 3_068
"""Images for training and for testing in the official list."""


def read_rafdb(root: Path) -> Source:
    """Read the folder that holds the list and `aligned/`, or the `basic/` of the archive, or what holds that.

    Raises InputError where the list or the folder is missing, or a line is no name and code 1 to 7.
    """
    table = first_place(root, [LIST, f"EmoLabel/{LIST}", f"basic/EmoLabel/{LIST}"], LIST, "RAF-DB's")
    aligned = first_place(
        root, ["aligned", "Image/aligned", "basic/Image/aligned"], "the folder aligned", "RAF-DB's"
    )
    note = (
        f"The test list is PrivateTest; {HELD_OUT_PERCENT} % of the training images are PublicTest, "
        "chosen by the SHA-256 of their pixels."
    )
    return Source(
        "rafdb",
        LABELS,
        _samples(table, aligned),
        (note,),
        splits=("Training", "PrivateTest"),
        published=PUBLISHED,
    )


def _samples(table: Path, aligned: Path) -> Iterator[Sample]:
    for number, line in enumerate(map(str.strip, text_lines(table)), start=1):
        name, _, code = line.partition(" ")
        if not line:
            continue
        if code.strip() not in CODES or not name.startswith(("train_", "test_")):
            raise damaged(table, number, "`train_….jpg` or `test_….jpg` and a code 1 to 7", line)
        luma = read_luma(aligned / f"{Path(name).stem}_aligned.jpg")
        if name.startswith("test_"):
            split = "PrivateTest"
        else:
            split = "PublicTest" if luma is not None and held_out(luma, HELD_OUT_PERCENT) else "Training"
        yield Sample(luma, LABELS.index(CODES[code.strip()]), split, name)
