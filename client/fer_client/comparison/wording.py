"""The sentences that stand with a comparison wherever it is shown."""

from collections.abc import Iterator

from fer_client.comparison.bootstrap import COVERAGE, MIN_BLOCKS
from fer_client.comparison.comparison import Comparison
from fer_client.comparison.series import Quantity
from fer_client.printable import counted, printable

INTERVAL = f"{100 * COVERAGE:.0f} % interval"


def names(comparison: Comparison) -> tuple[str, str]:
    """Name the sides: by their files, or by their folders where these are called the same."""
    first, second = comparison.sides
    if first.name != second.name:
        return first.name, second.name
    folders = [printable(side.result.folder.name) for side in (first, second)]
    paths = [printable(str(side.result.folder)) for side in (first, second)]
    shown = folders if folders[0] != folders[1] else paths
    faces = ["" if side.face is None else f", face {side.face}" for side in (first, second)]
    return shown[0] + faces[0], shown[1] + faces[1]


def seen(comparison: Comparison) -> tuple[str, str]:
    """Say how much of each side there is."""
    first, second = (
        counted(len(side.faces), "face") if side.is_photographs else f"seen {seconds:.1f} s"
        for side, seconds in zip(comparison.sides, comparison.seen_s, strict=True)
    )
    return first, second


def quantity_name(quantity: Quantity, is_photographs: bool) -> str:
    """Name what a row compares."""
    kinds = {
        "share": f"share of {'faces' if is_photographs else 'time'}",
        "mean_probability": "mean probability",
    }
    return kinds.get(quantity.kind, quantity.kind.replace("_", " "))


def meaning(comparison: Comparison) -> Iterator[str]:
    """Say, a sentence each, what the intervals mean and what they do not."""
    photographs = comparison.sides[0].is_photographs
    if comparison.is_too_short:
        yield _too_short(min(comparison.blocks), photographs)
    elif photographs:
        yield (
            f"The {INTERVAL} comes from resampling whole photographs: it is where the difference would lie with "
            "very many more of the same kind. Of twenty such intervals, one misses."
        )
    else:
        yield (
            f"The {INTERVAL} comes from resampling blocks of time, since neighbouring answers depend on each other: "
            "it is where the difference would lie if both had been recorded for very long under the same "
            "conditions. Of twenty such intervals, one misses."
        )
    yield (
        f"It is one {'set' if photographs else 'recording'} of each: this says nothing of other days, nor of people in "
        "general, and the network's own errors are not in it."
    )


def _too_short(blocks: float, photographs: bool) -> str:
    least = int(blocks)
    found = f"{'there are' if photographs else 'there are about'} {least}" if least > 1 else "there is one"
    return (
        f"Too {'few' if photographs else 'short'} to tell: {INTERVAL}s need at least {MIN_BLOCKS} "
        f"{'photographs with a face' if photographs else 'independent blocks of time'} on either side, and {found}. "
        "The differences stand as they were measured, and may be chance."
    )


def blocks(comparison: Comparison) -> str:
    """Say how the intervals come about."""
    first, second = (f"{count:.0f}" for count in comparison.blocks)
    if comparison.sides[0].is_photographs:
        return f"Resampled: whole photographs, {first} with a face in A and {second} in B."
    together = (
        " Both are of one recording, so the same blocks are resampled from both."
        if comparison.is_paired
        else ""
    )
    return (
        "Resampled: blocks of time, long enough that one hardly depends on the next. A has about "
        f"{first} of them, B about {second}.{together}"
    )


def signed(difference: float) -> str:
    """Write a difference of shares in percentage points; one below 1 with a decimal, so that its sign shows."""
    points = abs(round(100 * difference, 1))
    shown = f"{points:.0f}" if points >= 1 or not points else f"{points:.1f}"
    return shown if not points else f"{'+' if difference > 0 else '−'}{shown}"


def short(name: str, most: int) -> str:
    """Shorten a name to so many characters, in the middle."""
    half = most // 2
    return name if len(name) <= most else f"{name[: half - 1]}…{name[-half:]}"
