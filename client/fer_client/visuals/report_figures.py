"""The figures of a report, empty: the page's scripts fill them with what fits the screen, and again at every zoom.

Times are milliseconds, as Bokeh's axes of time take them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

ROW = 0.86
"""Height of a face's row at a probability of 1; the rows stand 1 apart."""

_FAINT = 0.4
"""Opacity of answers that count as uncertain."""

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


def report_figures(
    rows: Sequence[str], palette: Mapping[str, str], span_s: tuple[float, float], has_affect: bool
) -> dict[str, Any]:
    """Make `timeline`, `overview` and `shares`, and where there is one `affect` and `path`.

    `rows` are the names of the faces, from the top. `palette` has a colour for each label, and for `uncertain`.
    `span_s` is the first time and the end, in seconds. Scripts find what they fill by its name: the sources
    `timeline/LABEL/sure` and `timeline/LABEL/unsure`, the same of `overview`, `shares/LABEL`, `affect/points`,
    `path/points` and `path/place`.
    """
    from bokeh.models import Range1d

    start, end = (1000 * time for time in span_s)
    shown = Range1d(start, end, bounds=(start, end), min_interval=100, name="shown")
    figures = {
        "timeline": _timeline(rows, palette, shown),
        "overview": _overview(rows, palette, shown),
        "shares": _shares(palette, shown),
    }
    return figures | ({"affect": _affect(shown), "path": _path()} if has_affect else {})


def _figure(name: str, height: int, **options: Any) -> Any:
    """Make a figure as wide as its place, without Bokeh's tool bar: the page has buttons of its own."""
    from bokeh.plotting import figure

    made = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        min_border=0,
        output_backend="canvas",
        **{"tools": "", **options},
    )
    made.outline_line_color = None
    made.xgrid.grid_line_alpha = made.ygrid.grid_line_alpha = 0.35
    return made


def _timed_figure(name: str, height: int, shown: Any, **options: Any) -> Any:
    """Make a figure that is dragged along the time, and zoomed with Ctrl and the wheel, so that pages still scroll."""
    from bokeh.models import PanTool, WheelZoomTool

    wheel = WheelZoomTool(dimensions="width", modifiers="ctrl", maintain_focus=False)
    pan = PanTool(dimensions="width")
    made = _figure(name, height, x_axis_type="datetime", x_range=shown, tools=[pan, wheel], **options)
    made.toolbar.active_drag, made.toolbar.active_scroll = pan, wheel
    made.xaxis.formatter.update(**_CLOCK, context=None, hide_repeats=False, strip_leading_zeros=False)
    made.xgrid.grid_line_alpha = 0.35
    made.min_border_left, made.min_border_right = 72, 14
    return made


def _timeline(rows: Sequence[str], palette: Mapping[str, str], shown: Any) -> Any:
    from bokeh.models import FixedTicker

    height = _FACE_HEIGHT * max(1, len(rows)) + _AXIS_HEIGHT
    made = _timed_figure("timeline", height, shown, y_range=(-len(rows) + 0.93, 1))
    made.yaxis.ticker = FixedTicker(ticks=[ROW / 2 - row for row in range(len(rows))])
    made.yaxis.major_label_overrides = {ROW / 2 - row: name for row, name in enumerate(rows)}
    made.yaxis.major_tick_line_color = None
    made.ygrid.ticker = FixedTicker(ticks=[-row for row in range(len(rows))])
    _add_bars(made, "timeline", palette)
    return made


def _overview(rows: Sequence[str], palette: Mapping[str, str], shown: Any) -> Any:
    """Make the small timeline of the whole, in which a frame marks the stretch that is shown."""
    from bokeh.models import RangeTool

    tool = RangeTool(x_range=shown, start_gesture="none")
    tool.overlay.update(
        fill_color="#7f7f7f", fill_alpha=0.18, line_color="#7f7f7f", line_alpha=0.9, line_dash="solid"
    )
    made = _figure(
        "overview",
        min(70, 22 + 8 * len(rows)),
        x_axis_type="datetime",
        x_range=(shown.start, shown.end),
        y_range=(-len(rows) + 0.93, 1),
        tools=[tool],
    )
    made.xaxis.visible = made.yaxis.visible = False
    made.xgrid.visible = made.ygrid.visible = False
    made.min_border_left, made.min_border_right = 72, 14
    _add_bars(made, "overview", palette)
    return made


def _add_bars(made: Any, name: str, palette: Mapping[str, str]) -> None:
    """Add empty bars for each expression, faint ones for answers that count as uncertain."""
    from bokeh.models import ColumnDataSource

    for label, colour in palette.items():
        for kind, alpha in (("sure", 1.0), ("unsure", _FAINT)):
            empty: dict[str, list[float]] = {"left": [], "right": [], "bottom": [], "top": []}
            source = ColumnDataSource(empty, name=f"{name}/{label}/{kind}")
            made.quad(source=source, fill_color=colour, fill_alpha=alpha, line_color=None)


def _shares(palette: Mapping[str, str], shown: Any) -> Any:
    from bokeh.models import ColumnDataSource

    made = _timed_figure("shares", 170, shown, y_range=(0, 100))
    made.yaxis.ticker = [0, 25, 50, 75, 100]
    made.yaxis.axis_label = "% of face time"
    for label, colour in palette.items():
        empty: dict[str, list[float]] = {"left": [], "right": [], "bottom": [], "top": []}
        source = ColumnDataSource(empty, name=f"shares/{label}")
        made.quad(source=source, fill_color=colour, line_color=None)
    return made


AFFECT_COLOURS = {"valence": "#0072B2", "arousal": "#D55E00"}
"""Of Okabe and Ito, as those of the expressions."""


def _affect(shown: Any) -> Any:
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({"x": [], "valence": [], "arousal": []}, name="affect/points")
    made = _timed_figure("affect", 230, shown, y_range=(-1, 1))
    for name, dash in (("valence", "solid"), ("arousal", "dashed")):
        line = {"line_color": AFFECT_COLOURS[name], "line_dash": dash, "line_width": 2}
        made.line("x", name, source=source, legend_label=name, **line)
    made.legend.orientation = "horizontal"
    made.legend.location = "bottom_left"
    made.legend.background_fill_alpha = 0.6
    made.legend.padding, made.legend.margin = 3, 4
    made.legend.border_line_color = None
    return made


def _path() -> Any:
    """Make the plane of valence and arousal, with the way that a face takes through it, and where it is."""
    from bokeh.models import ColumnDataSource, Span

    made = _figure("path", 230, x_range=(-1, 1), y_range=(-1, 1), match_aspect=False)
    made.xaxis.axis_label, made.yaxis.axis_label = "valence", "arousal"
    for dimension in ("width", "height"):
        made.add_layout(Span(location=0, dimension=dimension, line_color="#888888", line_alpha=0.6))
    path = ColumnDataSource({"x": [], "y": []}, name="path/points")
    made.line("x", "y", source=path, line_color="#0072B2", line_alpha=0.55, line_width=1.5)
    place = ColumnDataSource({"x": [], "y": []}, name="path/place")
    made.scatter("x", "y", source=place, size=12, fill_color="#D55E00", line_color="#ffffff", line_width=2)
    return made
