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


def test_ink_is_readable_on_every_colour():
    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (v / 255 for v in rgb(colour))
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in colours(LABELS).values():
        light, dark = sorted((luminance(colour), luminance(ink_on(colour))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, contrast (minimum)
