from itertools import combinations

import numpy as np
import pytest

from fer_client.palette import colours, ink_on, rgb

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_an_expression_has_the_same_colour_whatever_else_the_network_tells():
    assert colours(LABELS)["sad"] == colours(["sad", "happy"])["sad"] == "#0072B2"


def test_every_label_has_a_colour_of_its_own():
    given = colours([*LABELS, "contempt", "uncertain"])
    assert len(set(given.values())) == 9


def test_unknown_labels_get_colours_that_no_other_label_has():
    given = colours(["angry", "bored", "amused"])
    assert len(set(given.values())) == 3


SIGHT = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""How linear RGB is seen: Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1."""


def lab(colour, sight):
    """CIE 1976 L*a*b* of a colour as it is seen, for daylight (D65)."""
    coded = np.array(rgb(colour)) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(sight) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ seen / (0.9505, 1, 1.089))  # all of them light enough for the cubic root
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_people_with_any_colour_vision_can_tell_them_apart(sight):
    seen = [lab(colour, SIGHT[sight]) for colour in colours([*LABELS, "contempt", "uncertain"]).values()]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) >= 15


def test_ink_is_readable_on_every_colour():
    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (v / 255 for v in rgb(colour))
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in colours([*LABELS, "contempt", "uncertain"]).values():
        light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, contrast (minimum)
