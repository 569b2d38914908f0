"""The page `index.html` above several results: each with its video, its shares, and the way to its report."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fer_client.errors import UsageError
from fer_client.outputs.result_folder import cannot_write, made_visuals, scratch_folder
from fer_client.outputs.study import Part
from fer_client.outputs.summary import UNCERTAIN
from fer_client.palette import colours
from fer_client.printable import printable
from fer_client.visuals.pages.template import Page, is_page, render
from fer_client.visuals.report_media import LINKED_POLICY, is_likely_played, link_to
from fer_client.visuals.report_text import shares_of

INDEX = "index.html"

_KIND = "index"
_SCRIPTS = ("dom.js", "theme.js", "keys.js", "index.js")
_REPORT = "report.html"
_COPIES = ("annotated.mp4", "anonymized.mp4")
"""What a card plays rather than the input itself, the first that stands."""

_POSTER = re.compile(
    r'<script type="application/json" id="poster">("data:image/jpeg;base64,[A-Za-z0-9+/=]*")</script>'
)
_POSTER_WITHIN = 8 * 2**20
"""Characters of a report in which its poster is looked for; its video comes after them."""


def write_index(out: Path, parts: Sequence[Part]) -> Path:
    """Write the page of these results into `out`, in the place of an earlier one at once.

    Raises UsageError where a file of that name is there which is no such page, where the disk takes no more, and where
    Jinja2 is missing.
    """
    path = out / INDEX
    try:
        _check_place(path)
        text = render(_page(out, parts))
        with scratch_folder(out) as scratch:
            draft = scratch / INDEX
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def _check_place(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not (path.is_file() and is_page(path, _KIND))):
        raise UsageError(
            f"{path} is a file that fer-client did not write, so the page over all inputs was not written. Choose "
            "another --out, or move the file."
        )


def _page(out: Path, parts: Sequence[Part]) -> Page:
    labels = list(dict.fromkeys(label for part in parts for label in part.labels))
    palette = colours([*labels, *([] if UNCERTAIN in labels else [UNCERTAIN])])
    entries = [_entry(out, part, palette) for part in parts]
    context = {
        "title": f"{len(parts)} inputs" if len(parts) != 1 else "One input",
        "subject": "Study",
        "palette": palette,
        "entries": entries,
    }
    media = LINKED_POLICY if any(entry["video"] for entry in entries) else ""
    return Page("index.html", _SCRIPTS, _KIND, context=context, media=media)


def _entry(out: Path, part: Part, palette: dict[str, str]) -> dict[str, Any]:
    overall, report = part.result["overall"], part.folder / _REPORT
    has_report = report.is_file()
    return {
        "name": printable(part.name),
        "link": quote(f"{part.name}/{report.name}".encode("utf-8", "surrogateescape")) if has_report else "",
        "poster": _poster(report) if has_report else "",
        "video": _video(out, part),
        "is_photographs": part.result["input"]["kind"] == "photographs",
        "seconds": part.result["seconds_analysed"],
        "frames": part.result["frames_analysed"],
        "faces": len(part.result["tracks"]) or overall["faces"],
        "dominant": overall["dominant_expression"],
        "share": overall["share"],
        "shares": shares_of(overall, palette),
        "warnings": len(part.result["warnings"]),
    }


def _video(out: Path, part: Part) -> str:
    """Link what the card plays: a copy that was made, else the input; never what shows a face that is to be hidden."""
    made = made_visuals(part.folder)
    is_hidden = {name: bool(about["options"].get("anonymize")) for name, about in made.items()}
    may_show_faces = is_hidden.get(_REPORT) is False  # without a report nobody has said so
    for name in _COPIES:
        if (is_hidden.get(name) or may_show_faces) and name in made and (part.folder / name).is_file():
            return link_to(part.folder / name, out)
    return _input_link(out, part) if may_show_faces else ""


def _input_link(out: Path, part: Part) -> str:
    origin = part.result["input"].get("origin")
    if part.result["input"]["kind"] != "video" or not origin:
        return ""
    path = Path(origin)
    return link_to(path, out) if path.is_file() and is_likely_played(path) else ""


def _poster(report: Path) -> str:
    """Read the picture that a report has for its input; empty where it has none."""
    with report.open(encoding="utf-8", errors="replace") as file:
        found = _POSTER.search(file.read(_POSTER_WITHIN))
    return str(json.loads(found[1])) if found else ""
