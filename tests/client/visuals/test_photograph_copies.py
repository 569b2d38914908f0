"""The names of photographs' copies."""

import pytest

from fer_client.visuals.photograph_copies import copy_names


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
