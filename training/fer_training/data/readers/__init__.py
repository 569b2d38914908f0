"""One reader per dataset: the official files in, a `Source` of samples out."""

from collections.abc import Callable
from pathlib import Path

from fer_training.data.preparation import Source
from fer_training.data.readers.affectnet import read_affectnet
from fer_training.data.readers.ckplus import read_ckplus
from fer_training.data.readers.fer2013 import read_fer2013, read_fer2013plus
from fer_training.data.readers.folders import read_folders
from fer_training.data.readers.oulu_casia import read_oulu_casia
from fer_training.data.readers.rafdb import read_rafdb

READERS: dict[str, Callable[[Path], Source]] = {
    "fer2013": read_fer2013,
    "fer2013plus": read_fer2013plus,
    "rafdb": read_rafdb,
    "affectnet": read_affectnet,
    "ckplus": read_ckplus,
    "oulu_casia": read_oulu_casia,
    "folders": read_folders,
}
