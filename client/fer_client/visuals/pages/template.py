"""Pages that hold all they need: styles, scripts, data; they ask no network for anything, and are not let to."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fer_client.errors import UsageError
from fer_client.printable import printable

_ASSETS = Path(__file__).parent / "assets"

_SAFE_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script, or a line in one, written as JSON writes it too."""

_HEAD_BYTES = 4096


def _generator(kind: str) -> str:
    return f"fer-client {kind}"


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    `template` is one of the assets. `scripts` are assets that run together, in this order, in one function.
    `styles` are further style sheets. `blocks` are values that scripts read as JSON from the elements of that id.
    `texts` are the same for plain ASCII text. `later_scripts` are those that scripts add to the page. `media`: where
    videos may come from beside the page itself, as a Content-Security-Policy says it. `kind` is what tells such pages
    from those that other programs made, see `is_page`.
    """

    template: str
    scripts: Sequence[str]
    kind: str
    styles: Sequence[str] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    blocks: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    later_scripts: Sequence[str] = ()
    media: str = ""


def render(page: Page) -> str:
    """Make the page. Everything that the template shows is escaped. Raises UsageError where Jinja2 is missing."""
    script = joined_scripts(page.scripts)
    allowed = [script, *page.later_scripts]
    return (
        _environment()
        .get_template(page.template)
        .render(
            **page.context,
            generator=_generator(page.kind),
            policy=_policy(allowed, page.media),
            style="\n".join(_asset(name) for name in ("page.css", *page.styles)),
            script=script,
            blocks={name: as_json(value) for name, value in page.blocks.items()},
            texts=page.texts,
        )
    )


def is_page(path: Path, kind: str) -> bool:
    """Whether a file is a page of this kind, by its head."""
    with path.open("rb") as file:
        return _generator(kind).encode("ascii") in file.read(_HEAD_BYTES)


def joined_scripts(names: Sequence[str]) -> str:
    """Join assets to one script in which they see each other, and nothing else sees them."""
    return '(() => {\n"use strict";\n' + "\n".join(_asset(name) for name in names) + "\n})();\n"


def as_json(value: Any) -> str:
    """Write JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(
        _SAFE_IN_SCRIPT
    )


def _policy(scripts: Sequence[str], media: str) -> str:
    """Content-Security-Policy: scripts by their checksums alone, and nothing from any other place."""
    hashes = " ".join(f"'sha256-{_checksum(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"media-src blob: {media}; base-uri 'none'; form-action 'none'"
    )


def _checksum(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").rstrip("\n")


@cache
def _environment() -> Any:
    try:
        import jinja2
    except ImportError as error:
        raise missing("Jinja2") from error
    loader = jinja2.FileSystemLoader(_ASSETS)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"printable": printable, "clock": clock, "percent": percent}
    return environment


def missing(package: str) -> UsageError:
    """Say that a package of the extra `report` is missing; by their own names, since fer-triton is on no index."""
    return UsageError(
        f"A page needs the package {package}, which is not installed. Add it with pip install bokeh jinja2."
    )


def clock(seconds: float) -> str:
    """Write a time as 1:02:03 or 2:03.4."""
    minutes, rest = divmod(max(0.0, round(seconds, 1)), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(rest):02d}" if hours else f"{minutes}:{rest:04.1f}"


def percent(share: float) -> str:
    """Write a share in [0, 1]."""
    return f"{100 * share:.0f} %"
