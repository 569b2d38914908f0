"""The files of a comparison: table, picture and page, each whole or not at all."""

import math
import os
from importlib.util import find_spec
from pathlib import Path

from fer_client.comparison.comparison import Comparison
from fer_client.comparison.page import write_page
from fer_client.comparison.picture import write_picture
from fer_client.comparison.table import write_table
from fer_client.errors import UsageError
from fer_client.outputs.result_folder import cannot_write, prepare_folder, scratch_folder
from fer_client.visuals.pages.bokeh_figures import check_packages


def check_request(offset_s: float) -> None:
    """Raise UsageError where the files could not be made, before anything is read."""
    if not math.isfinite(offset_s):
        raise UsageError(f"--offset must be a number of seconds, but is {offset_s}.")
    if find_spec("matplotlib") is None:
        raise UsageError(
            "A comparison needs the package Matplotlib, which is not installed. Add it with pip install "
            "'fer-triton[report]'."
        )
    check_packages()


def write_files(comparison: Comparison, folder: Path, offset_s: float) -> list[Path]:
    """Write comparison.html, comparison.png and comparison.csv; return where they are. Raises UsageError."""
    prepare_folder(folder)
    try:
        with scratch_folder(folder) as scratch:
            page, picture = scratch / "comparison.html", scratch / "comparison.png"
            write_page(comparison, page, offset_s)
            write_picture(comparison, picture, offset_s)
            drafts = [page, picture, write_table(comparison, scratch)]
            return [_put(draft, folder / draft.name) for draft in drafts]
    except OSError as error:
        raise cannot_write(folder, error) from error


def _put(draft: Path, place: Path) -> Path:
    os.replace(draft, place)
    return place
