"""Bokeh's figures as pages embed them: the figures as JSON, and BokehJS itself."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fer_client.visuals.pages.packing import compressed
from fer_client.visuals.pages.template import missing

PACKAGES = {"Bokeh": "bokeh", "Jinja2": "jinja2"}
"""What the extra `report` installs, by the names that people know."""


def check_packages() -> None:
    """Raise UsageError where a package for pages is missing."""
    for shown, package in PACKAGES.items():
        if find_spec(package) is None:
            raise missing(shown)


@cache
def bokeh_script() -> str:
    """BokehJS without its widgets, as one script. Bokeh is under the BSD 3-clause licence, which stands in it."""
    import bokeh

    return (Path(bokeh.__file__).parent / "server/static/js/bokeh.min.js").read_text(encoding="utf-8")


@cache
def packed_bokeh_script() -> str:
    """Return the same as base64 of its gzip form, for `assets/bokeh.js`: 0.5 MB in place of 1.3."""
    return compressed(bokeh_script().encode("utf-8"))


def plain_figure(name: str, height: int, **options: Any) -> Any:
    """Make a figure as wide as its place, without Bokeh's tool bar, whose colours are the page's, light or dark."""
    from bokeh.plotting import figure

    made = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        output_backend="canvas",
        **{"tools": "", **options},
    )
    made.outline_line_color = made.border_fill_color = made.background_fill_color = None
    made.xgrid.grid_line_alpha = made.ygrid.grid_line_alpha = 0.35
    return made


def timed_figure(name: str, height: int, **options: Any) -> Any:
    """Make a figure that is dragged along the time, and zoomed with Ctrl and the wheel, so that pages still scroll."""
    from bokeh.models import PanTool, WheelZoomTool

    wheel = WheelZoomTool(dimensions="width", modifiers="ctrl", maintain_focus=False)
    pan = PanTool(dimensions="width")
    made = plain_figure(name, height, tools=[pan, wheel], **options)
    made.toolbar.active_drag, made.toolbar.active_scroll = pan, wheel
    return made


def as_document(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures that may share models as one document in JSON, for `Bokeh.embed.embed_items`.

    Each goes into the element whose id is `figure-` and its name.
    """
    from bokeh.document import Document

    document = Document()
    for figure in figures.values():
        document.add_root(figure)
    places = {figure.id: f"figure-{name}" for name, figure in figures.items()}
    item = {"docid": "figures", "roots": places, "root_ids": list(places)}
    return {"documents": {"figures": document.to_json(deferred=False)}, "items": [item]}
