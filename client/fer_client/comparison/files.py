"""The files of a comparison: table, picture and page, each whole or not at all."""

import math
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from fer_client.comparison.comparison import Comparison
from fer_client.comparison.page import is_comparison_page, write_page
from fer_client.comparison.picture import is_picture, write_picture
from fer_client.comparison.table import is_table, write_table
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
            "bokeh jinja2 matplotlib."
        )
    check_packages()


def write_files(comparison: Comparison, folder: Path, offset_s: float) -> list[Path]:
    """Write comparison.html, comparison.png and comparison.csv; return where they are.

    They replace those of an earlier comparison. Raises UsageError, before anything is written, where another file has
    one of these names, and where the disk takes no more.
    """
    try:
        for name, is_ours in _KNOWN_BY.items():
            _check_place(folder / name, is_ours)
        prepare_folder(folder)
        with scratch_folder(folder) as scratch:
            page, picture = scratch / "comparison.html", scratch / "comparison.png"
            write_page(comparison, page, offset_s)
            write_picture(comparison, picture, offset_s)
            drafts = [page, picture, write_table(comparison, scratch)]
            return [_put(draft, folder / draft.name) for draft in drafts]
    except OSError as error:
        raise cannot_write(folder, error) from error


_KNOWN_BY: dict[str, Callable[[Path], bool]] = {
    "comparison.html": is_comparison_page,
    "comparison.png": is_picture,
    "comparison.csv": is_table,
}
"""How an earlier comparison's files are told from others of their names."""


def _check_place(path: Path, is_ours: Callable[[Path], bool]) -> None:
    if path.is_symlink() or (path.exists() and not (path.is_file() and is_ours(path))):
        raise UsageError(
            f"{path} is a file that fer-client compare did not write, and the comparison would replace it. Choose "
            "another --out, or move the file."
        )


def _put(draft: Path, place: Path) -> Path:
    os.replace(draft, place)
    return place
