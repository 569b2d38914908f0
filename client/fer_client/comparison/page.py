"""A comparison as one page that holds all it shows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fer_client.comparison import wording
from fer_client.comparison.comparison import Comparison, Difference
from fer_client.comparison.page_figures import page_figures
from fer_client.palette import colours
from fer_client.printable import printable
from fer_client.visuals.pages.bokeh_figures import as_document, bokeh_script, packed_bokeh_script
from fer_client.visuals.pages.template import Page, is_page, render

_KIND = "comparison"
_SCRIPTS = (
    "dom.js",
    "theme.js",
    "table.js",
    "save.js",
    "unpack.js",
    "bokeh.js",
    "printing.js",
    "comparison.js",
)
_TITLES = {"share": "Shares", "mean_probability": "Mean probabilities", "affect": "Valence and arousal"}


def is_comparison_page(path: Path) -> bool:
    """Whether a file is such a page, by its head."""
    return is_page(path, _KIND)


def write_page(comparison: Comparison, path: Path, offset_s: float = 0.0) -> None:
    """Write it. `offset_s`: where on A's axis of time the first frame of B stands. Raises UsageError."""
    path.write_text(render(_page(comparison, offset_s)), encoding="utf-8")


def _page(comparison: Comparison, offset_s: float) -> Page:
    palette = colours([row.quantity.label for row in comparison.shares])
    names = wording.names(comparison)
    tables = list(_tables(comparison))
    blocks: dict[str, Any] = {"facts": _facts(comparison, palette, offset_s), "tables": tables}
    page = Page(
        kind=_KIND,
        template="comparison.html",
        scripts=_SCRIPTS,
        styles=("comparison.css",),
        context={
            "title": " and ".join(wording.short(name, 40) for name in names),
            "subject": "Comparison",
            "sides": list(zip("AB", names, wording.seen(comparison), strict=True)),
            "warnings": [printable(note) for note in comparison.notes],
            "meaning": list(wording.meaning(comparison)),
            "blocks_of": wording.blocks(comparison),
            "palette": {label: palette[label] for label in comparison.labels},
            "tables": [{"id": table["id"], "title": table["title"]} for table in tables],
            "has_timelines": comparison.timelines is not None,
        },
        blocks=blocks,
    )
    if comparison.timelines is None:
        return page
    figures = page_figures(comparison.timelines, page.context["palette"])
    return replace(
        page,
        blocks={**page.blocks, "figures": as_document(figures)},
        texts={"packed-bokeh": packed_bokeh_script()},
        later_scripts=[bokeh_script()],
    )


def _facts(comparison: Comparison, palette: dict[str, str], offset_s: float) -> dict[str, Any]:
    durations = [part.duration_s for part in comparison.timelines or ()]
    return {"palette": palette, "durations": durations, "offset": offset_s, "interval": wording.INTERVAL}


def _tables(comparison: Comparison) -> list[dict[str, Any]]:
    """Group the differences by what is compared; `limit` is what a plot of them has to reach."""
    kinds: dict[str, list[Difference]] = {name: [] for name in _TITLES}
    for row in comparison.differences:
        kinds[row.quantity.kind if row.quantity.kind in kinds else "affect"].append(row)
    return [_table(kind, rows, comparison) for kind, rows in kinds.items() if rows]


def _table(kind: str, rows: Sequence[Difference], comparison: Comparison) -> dict[str, Any]:
    is_affect = kind == "affect"
    what = wording.quantity_name(rows[0].quantity, comparison.sides[0].is_photographs)
    return {
        "id": kind.replace("_", "-"),
        "title": _TITLES[kind] if kind != "share" else what.capitalize(),
        "isShare": not is_affect,
        "rows": [
            {
                "name": wording.quantity_name(row.quantity, False) if is_affect else row.quantity.label,
                "a": row.a,
                "b": row.b,
                "difference": row.difference,
                "low": row.low,
                "high": row.high,
                "finding": row.finding,
            }
            for row in rows
        ],
    }
