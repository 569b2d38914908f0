"""Copies of photographs: their names, and which of the originals are read."""

from dataclasses import replace
from pathlib import Path

import pytest

from fer_client.errors import InputError
from fer_client.media.discovery import find_inputs
from fer_client.outputs.stored_result import load_result
from fer_client.settings import Settings
from fer_client.visuals.photograph_copies import copy_names, write_photograph_copies
from fer_client.visuals.report_media import make_media
from fer_client.visuals.visual import Request
from support.command import Command


@pytest.mark.parametrize(
    ("names", "copies"),
    [
        (["a.JPG", "b.png", "c.bmp", "d.webp"], ["a.JPG", "b.png", "c.bmp.png", "d.webp.jpg"]),
        (["a.webp", "a.webp.jpg"], ["a.webp-2.jpg", "a.webp.jpg"]),
        (["a.webp.jpg", "a.webp-2.jpg", "a.webp"], ["a.webp.jpg", "a.webp-2.jpg", "a.webp-3.jpg"]),
        (["a.webp", "A.WEBP.jpg"], ["a.webp-2.jpg", "A.WEBP.jpg"]),  # one file on disks that know no capitals
    ],
)
def test_no_copy_takes_the_name_of_another(names: list[str], copies: list[str]) -> None:
    assert copy_names(names) == copies


def test_the_limit_on_pixels_is_that_of_the_run(run: Command, photographs: Path, tmp_path: Path) -> None:
    run(photographs)
    result = load_result(tmp_path / "out" / "photos" / "photographs")
    (source,) = find_inputs([str(photographs)], None, most_pixels=10).sources
    request = Request(result, source, Settings())
    with pytest.raises(InputError, match="--max-pixels"):
        write_photograph_copies(request, tmp_path / "copies", lambda _: None, lambda *_: None)
    assert make_media(request, lambda _: None).thumbnails == {}
    assert make_media(replace(request, source=replace(source, most_pixels=10**6)), lambda _: None).thumbnails
