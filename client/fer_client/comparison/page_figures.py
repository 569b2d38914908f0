"""The timelines of a comparison's page as Bokeh's figures: two, whose axes of time the page's script links.

Times are seconds from the first frame of each recording.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_client.comparison.timelines import Timeline
from fer_client.visuals.pages.bokeh_figures import timed_figure

_HEIGHT, _LABEL_HEIGHT = 150, 20
"""Pixels of a timeline with its axis, and of the label below the last."""


def page_figures(timelines: tuple[Timeline, Timeline], palette: Mapping[str, str]) -> dict[str, Any]:
    """Make `a` and `b`, with ranges of time named `a/time` and `b/time`. `palette` has a colour for each label."""
    return {name: _timeline(name, part, palette) for name, part in zip("ab", timelines, strict=True)}


def _timeline(name: str, part: Timeline, palette: Mapping[str, str]) -> Any:
    made = _figure(name, part.duration_s)
    for (label, colour), areas in zip(palette.items(), _areas(part), strict=True):
        xs, ys = areas
        made.patches(xs, ys, fill_color=colour, fill_alpha=1, line_color=None, name=f"{name}/{label}")
    return made


def _figure(name: str, duration_s: float) -> Any:
    from bokeh.models import FixedTicker, Range1d

    is_last = name == "b"
    made = timed_figure(
        name,
        _HEIGHT + (_LABEL_HEIGHT if is_last else 0),
        x_range=Range1d(0, duration_s, min_interval=0.1, name=f"{name}/time"),
        y_range=Range1d(0, 1, bounds=(0, 1)),
        min_border_left=52,
        min_border_right=14,
        min_border_top=4,
    )
    made.yaxis.ticker = FixedTicker(ticks=[0, 0.5, 1])
    made.yaxis.major_label_overrides = {0: "0", 0.5: "50 %", 1: "100 %"}
    made.xaxis.axis_label = "seconds from the first frame of each" if is_last else None
    return made


_Polygons = tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]


def _areas(part: Timeline) -> Iterator[_Polygons]:
    """Yield for each label the polygons, x and y, of the intervals in which a face is seen, stacked on one another."""
    intervals = list(_intervals(part))
    tops = np.cumsum(part.probabilities, axis=1)
    bottoms = np.hstack([np.zeros((len(tops), 1)), tops[:, :-1]])
    for label in range(tops.shape[1]):
        xs = [_there_and_back(_edges(part, seen), _edges(part, seen)) for seen in intervals]
        ys = [
            _there_and_back(np.repeat(tops[seen, label], 2), np.repeat(bottoms[seen, label], 2))
            for seen in intervals
        ]
        yield xs, ys


def _intervals(part: Timeline) -> Iterator[slice]:
    """Yield the places of spans that follow each other and have a face."""
    is_seen = np.isfinite(part.probabilities[:, 0])
    edges = np.flatnonzero(np.diff(is_seen.astype(np.int8), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2).tolist():
        yield slice(start, end)


def _edges(part: Timeline, seen: slice) -> NDArray[np.float64]:
    return np.stack([part.starts_s[seen], part.ends_s[seen]], axis=1).ravel()


def _there_and_back(
    upper: Sequence[float] | NDArray[Any], lower: Sequence[float] | NDArray[Any]
) -> NDArray[np.float32]:
    return np.concatenate([upper, np.asarray(lower)[::-1]]).astype(np.float32)
