"""Results of earlier runs, as tests write and read them."""

import json
from pathlib import Path
from typing import Any

from fer_client.outputs.stored_tables import open_rows


def write_summary(folder: Path, known: dict, is_live: bool = False) -> dict:
    """Make a result folder that knows its input and nothing else."""
    folder.mkdir()
    result = {"input": known, "video": {"is_live": is_live}}
    (folder / "summary.json").write_text(json.dumps(result))
    return result


def stored_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a table in any format, numbers as numbers, None where empty."""
    with open_rows(path) as (names, rows):
        return [dict(zip(names, map(_number, row), strict=True)) for row in rows]


def _number(value: Any) -> object:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value or None
