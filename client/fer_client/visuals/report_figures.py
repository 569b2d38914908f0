"""The figures of a report, empty: axes and gestures. The page's scripts add what fits the screen, again at every zoom.

Times are milliseconds, as Bokeh's axes of time take them.
"""

from collections.abc import Sequence
from typing import Any

from fer_client.visuals.pages.bokeh_figures import plain_figure, timed_figure

ROW = 0.86
"""Height of a face's row at a probability of 1; the rows stand 1 apart."""

_FACE_HEIGHT, _AXIS_HEIGHT = 54, 34
"""Pixels of a row, and of the axis below all."""

_CLOCK = {
    "milliseconds": "%M:%S.%3N",
    "seconds": "%M:%S",
    "minsec": "%M:%S",
    "minutes": "%M:%S",
    "hourmin": "%H:%M:%S",
    "hours": "%H:%M:%S",
    "days": "%H:%M:%S",
}


def report_figures(rows: Sequence[str], span_s: tuple[float, float], has_affect: bool) -> dict[str, Any]:
    """Make `timeline`, `overview` and `shares`, and where there is one `affect` and `path`.

    `rows` are the names of the faces, from the top. `span_s` is the first time and the end, in seconds. Scripts fill
    the sources `affect/points`, `path/points` and `path/place`, and paint bars behind the first three figures.
    """
    from bokeh.models import Range1d

    start, end = (1000 * time for time in span_s)
    shown = Range1d(start, end, bounds=(start, end), min_interval=100, name="shown")
    figures = {
        "timeline": _timeline(rows, shown),
        "overview": _overview(len(rows), shown),
        "shares": _shares(shown),
    }
    return figures | ({"affect": _affect(shown), "path": _path()} if has_affect else {})


def _timed_figure(name: str, height: int, shown: Any, **options: Any) -> Any:
    """Make a figure over the time of the input, as clocks tell it."""
    made = timed_figure(name, height, x_axis_type="datetime", x_range=shown, min_border=0, **options)
    made.xaxis.formatter.update(**_CLOCK, context=None, hide_repeats=False, strip_leading_zeros=False)
    made.min_border_left, made.min_border_right = 72, 14
    return made


def _timeline(rows: Sequence[str], shown: Any) -> Any:
    from bokeh.models import FixedTicker

    height = _FACE_HEIGHT * max(1, len(rows)) + _AXIS_HEIGHT
    made = _timed_figure("timeline", height, shown, y_range=(-len(rows) + 0.93, 1))
    made.yaxis.ticker = FixedTicker(ticks=[ROW / 2 - row for row in range(len(rows))])
    made.yaxis.major_label_overrides = {ROW / 2 - row: name for row, name in enumerate(rows)}
    made.yaxis.major_tick_line_color = None
    made.ygrid.ticker = FixedTicker(ticks=[-row for row in range(len(rows))])
    made.xgrid.visible = False  # it would lie over the bars
    return made


def _overview(rows: int, shown: Any) -> Any:
    """Make the frame that marks the stretch that is shown; the page lays it over a small timeline of the whole."""
    from bokeh.models import RangeTool

    tool = RangeTool(x_range=shown, start_gesture="none")
    tool.overlay.update(
        fill_color="#7f7f7f", fill_alpha=0.18, line_color="#7f7f7f", line_alpha=0.9, line_dash="solid"
    )
    made = plain_figure(
        "overview",
        min(80, 24 + 6 * rows),
        x_axis_type="datetime",
        x_range=(shown.start, shown.end),
        y_range=(-rows + 0.93, 1),
        tools=[tool],
        min_border=0,
    )
    made.xaxis.visible = made.yaxis.visible = False
    made.xgrid.visible = made.ygrid.visible = False
    made.min_border_left, made.min_border_right = 72, 14
    return made


def _shares(shown: Any) -> Any:
    made = _timed_figure("shares", 170, shown, y_range=(0, 100))
    made.yaxis.ticker = [0, 25, 50, 75, 100]
    made.xgrid.visible = made.ygrid.visible = False  # they would lie over the bars
    made.yaxis.axis_label = "% of face time"
    return made


INK = "ink"
"""Tags what scripts draw in the colour of the page's text: every other colour stands for an expression."""


def _affect(shown: Any) -> Any:
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({"x": [], "valence": [], "arousal": []}, name="affect/points")
    made = _timed_figure("affect", 230, shown, y_range=(-1, 1))
    for name, dash in (("valence", "solid"), ("arousal", "dashed")):
        made.line("x", name, source=source, legend_label=name, line_dash=dash, line_width=2, tags=[INK])
    made.legend.orientation = "horizontal"
    made.legend.location = "bottom_left"
    made.legend.background_fill_alpha = 0.6
    made.legend.padding, made.legend.margin = 3, 4
    made.legend.border_line_color = None
    return made


def _path() -> Any:
    """Make the plane of valence and arousal, with the way that a face takes through it, and where it is."""
    from bokeh.models import ColumnDataSource, Span

    made = plain_figure("path", 230, x_range=(-1, 1), y_range=(-1, 1), match_aspect=False, min_border=0)
    made.xaxis.axis_label, made.yaxis.axis_label = "valence", "arousal"
    for dimension in ("width", "height"):
        made.add_layout(Span(location=0, dimension=dimension, line_color="#888888", line_alpha=0.6))
    path = ColumnDataSource({"x": [], "y": []}, name="path/points")
    made.line("x", "y", source=path, line_alpha=0.55, line_width=1.5, tags=[INK])
    place = ColumnDataSource({"x": [], "y": []}, name="path/place")
    made.scatter("x", "y", source=place, size=12, tags=[INK])
    return made
