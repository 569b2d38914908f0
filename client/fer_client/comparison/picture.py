"""A comparison as one picture: timelines on one axis, shares side by side, and the differences between them."""

import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_client.comparison import wording
from fer_client.comparison.comparison import Comparison
from fer_client.comparison.timelines import Timeline
from fer_client.palette import colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _FAINT, _LINE = "#1c2430", "#566070", "#d5dae1"
_UNSEEN = "#eceff3"
_HATCH = "////"
_STYLE = {
    "font.size": 10,
    "hatch.color": "white",
    "hatch.linewidth": 1.4,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _FAINT,
    "xtick.color": _FAINT,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_WIDTH, _DPI = 11.0, 150
_SOFTWARE = "fer-client comparison"
_HEAD_BYTES = 4096
"""Matplotlib writes metadata before the picture itself."""


def is_picture(path: Path) -> bool:
    """Whether a file is such a picture, by its PNG's text chunk `Software`."""
    with path.open("rb") as file:
        return b"tEXtSoftware\0" + _SOFTWARE.encode("ascii") in file.read(_HEAD_BYTES)


def write_picture(comparison: Comparison, path: Path, offset_s: float = 0.0) -> None:
    """Draw it as a PNG. `offset_s`: where on A's axis of time the first frame of B stands."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing"
        )  # letters that the font lacks become boxes
        figure = _figure(comparison, offset_s)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=_DPI, facecolor="white", metadata={"Software": _SOFTWARE})


def _figure(comparison: Comparison, offset_s: float) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    rows = len(comparison.shares)
    heights = ([1.05, 1.05] if comparison.timelines else []) + [0.36 * rows + 0.3]
    figure = Figure(
        figsize=(_WIDTH, sum(heights) + 2.1), layout=ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.1)
    )
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=[1.1, 1])
    _title(figure, comparison)
    if comparison.timelines:
        axes = [figure.add_subplot(grid[row, :]) for row in range(2)]
        _draw_timelines(axes, comparison, comparison.timelines, offset_s)
    shares = figure.add_subplot(grid[-1, 0])
    _draw_shares(shares, comparison)
    _draw_differences(figure.add_subplot(grid[-1, 1], sharey=shares), comparison)
    text = textwrap.fill(" ".join(wording.meaning(comparison)), 165)
    figure.supxlabel(text, fontsize=8.5, color=_FAINT, x=0.012, ha="left")
    return figure


def _title(figure: "Figure", comparison: Comparison) -> None:
    lines = [
        f"{letter}   {wording.short(name, 80)}   ({seen})"
        for letter, name, seen in zip("AB", wording.names(comparison), wording.seen(comparison), strict=True)
    ]
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=13, fontweight="bold", parse_math=False)


def _palette(comparison: Comparison) -> dict[str, str]:
    shown = [row.quantity.label for row in comparison.shares]
    return colours(shown)


def _draw_timelines(
    axes: "list[Axes]", comparison: Comparison, timelines: tuple[Timeline, Timeline], offset_s: float
) -> None:
    palette = _palette(comparison)
    shifts = (0.0, offset_s)
    left = min(shifts)
    right = max(part.duration_s + shift for part, shift in zip(timelines, shifts, strict=True))
    for letter, place, part, shift in zip("AB", axes, timelines, shifts, strict=True):
        _draw_timeline(place, part, shift, [palette[label] for label in comparison.labels])
        place.set(xlim=(left, right), ylim=(0, 1), yticks=[0, 0.5, 1], yticklabels=["0", "", "100 %"])
        place.set_ylabel(letter, rotation=0, fontsize=13, fontweight="bold", color=_INK, va="center")
        place.tick_params(axis="y", labelsize=8, length=0)
    axes[0].tick_params(labelbottom=False)
    start = "seconds from the first frame of each"
    shifted = f"; B begins at {offset_s:g} s of A" if offset_s else ""
    axes[1].set_xlabel(f"probability of each expression; {start}{shifted}", fontsize=9)


def _draw_timeline(axes: "Axes", part: Timeline, shift_s: float, ordered: list[str]) -> None:
    """Stack the probabilities; nothing is drawn where no face is seen."""
    times = np.stack([part.starts_s, part.ends_s], axis=1).ravel() + shift_s
    layers = np.repeat(part.probabilities, 2, axis=0).T
    tops = np.cumsum(layers, axis=0)
    axes.axvspan(shift_s, shift_s + part.duration_s, color=_UNSEEN, linewidth=0)
    for layer, top, colour in zip(layers, tops, ordered, strict=True):
        axes.fill_between(times, top - layer, top, where=np.isfinite(top), color=colour, linewidth=0)


def _draw_shares(axes: "Axes", comparison: Comparison) -> None:
    """Two bars for each expression: A's whole, B's hatched."""
    palette, rows = _palette(comparison), comparison.shares
    for place, row in enumerate(rows):
        colour = palette[row.quantity.label]
        for value, offset, hatch in ((row.a, -0.2, None), (row.b, 0.2, _HATCH)):
            axes.barh(
                place + offset, 100 * value, 0.36, color=colour, hatch=hatch, edgecolor="white", linewidth=0
            )
            axes.text(
                100 * value + 1, place + offset, f"{100 * value:.0f}", va="center", fontsize=8, color=_FAINT
            )
    axes.set(yticks=range(len(rows)), yticklabels=[row.quantity.label for row in rows], xlim=(0, 108))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    unit = "faces" if comparison.sides[0].is_photographs else "face time"
    axes.set_xlabel(f"% of {unit}:  above A, below B (hatched)", fontsize=9)
    _add_grid(axes)


def _draw_differences(axes: "Axes", comparison: Comparison) -> None:
    """A dot for each difference, its interval as a line; strong where 0 lies outside."""
    for place, row in enumerate(comparison.shares):
        colour, width = (_INK, 2.6) if row.is_clear else ("#8a94a3", 1.6)
        if row.low is not None and row.high is not None:
            axes.plot(
                [100 * row.low, 100 * row.high],
                [place] * 2,
                color=colour,
                linewidth=width,
                solid_capstyle="butt",
            )
        filled: dict[str, Any] = {"markerfacecolor": "white" if row.low is None else colour}
        axes.plot(100 * row.difference, place, "o", color=colour, markersize=6, markeredgewidth=1.5, **filled)
    axes.axvline(0, color=_INK, linewidth=1)
    axes.set_xlim(-105, 105)
    axes.tick_params(axis="y", labelleft=False, length=0)
    what = "too short for intervals" if comparison.is_too_short else f"with its {wording.INTERVAL}"
    axes.set_xlabel(f"B − A in percentage points, {what}", fontsize=9)
    _add_grid(axes)


def _add_grid(axes: "Axes") -> None:
    axes.grid(axis="x", color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
