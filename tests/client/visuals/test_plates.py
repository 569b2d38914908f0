"""Plates are as large as their text asks, have its ink, and a bar that tells the share."""

import numpy as np
import pytest

from fer_client.palette import ink_on, rgb
from fer_client.visuals.plates import Plate, render


@pytest.mark.parametrize("capital", [6, 11, 46])
@pytest.mark.parametrize("colour", ["#0072B2", "#F0E442"])
def test_ink_stands_out_at_every_size(capital: int, colour: str) -> None:
    sprite = render(Plate(("3 happy 84 %",), 0.84, colour, capital))
    ink = np.array(rgb(ink_on(colour)))
    assert abs(sprite.rgb - ink).max(axis=2).min() < 40
    assert abs(sprite.rgb[0, 0] - rgb(colour)).max() == 0
    assert 2 * capital <= sprite.opacity.shape[0] <= 4 * capital


def test_the_bar_fills_with_the_share() -> None:
    def ink(share: float) -> float:
        return float((255 - render(Plate(("1 happy",), share, "#FFFFFF", 20)).rgb).sum())

    amounts = [ink(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    steps = np.diff(amounts)
    assert (steps > 0).all()
    assert steps.max() < 1.01 * steps.min()


def test_a_second_line_makes_it_higher() -> None:
    one, two = (
        render(Plate(lines, 1.0, "#FFFFFF", 12)) for lines in (("1 sad",), ("1 sad", "V +0.4 A -0.1"))
    )
    assert two.opacity.shape[0] > one.opacity.shape[0] + 12


def test_letters_that_the_font_lacks_are_replaced() -> None:
    written, plain = (render(Plate((text,), 1.0, "#FFFFFF", 12)) for text in ("1 überrascht", "1 uberrascht"))
    assert (written.rgb == plain.rgb).all()
    render(Plate(("1 喜び",), 1.0, "#FFFFFF", 12))
