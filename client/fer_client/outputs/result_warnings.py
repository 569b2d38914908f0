"""The warnings of a result, in plain sentences: for summary.json and the terminal alike."""

from collections.abc import Iterator

from fer_client.faces.detection import LUMAFACE_NAME


def result_warnings(detector: str, corruption: str | None = None, times_backwards: int = 0) -> Iterator[str]:
    """Yield a sentence for each.

    `detector`: name of the one that found the faces. `corruption`: what was damaged in the input.
    `times_backwards`: how often its presentation times went back.
    """
    if detector == LUMAFACE_NAME:
        yield (
            f"{detector} found the faces, which is less sure than YuNet: it misses more of them, small and turned ones "
            "first. Look at the boxes before you trust the expressions, or use YuNet."
        )
    if corruption:
        yield f"The input is damaged and was analysed in part: {corruption}."
    if times_backwards:
        often = "once" if times_backwards == 1 else f"{times_backwards} times"
        yield (
            f"The file's presentation times go backwards {often}; "
            "they stand in the table as the file states them."
        )
