"""What a run was asked for, kept in its folder as `run.json`, so that it goes on only with the same settings."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fer_client.cli.console import notify
from fer_client.errors import InputError, UsageError
from fer_training.data.dataset import Dataset
from fer_training.files import file_sha256, write_json
from fer_training.recipes import EXPRESSION, Recipe

ALL_ARRAYS = "data_with_labels"
"""The setting that runs and datasets of older versions do not know; `data` is the fingerprint of the images alone."""


@dataclass(frozen=True)
class Run:
    """One run's settings; `out` is its folder, `teachers` are weights to distil from, `start` weights to begin with.

    `target` is one of `fer_training.models.record.TARGETS`.
    """

    architecture: str
    recipe: Recipe
    seed: int
    out: Path
    teachers: tuple[Path, ...] = ()
    start: Path | None = None
    target: str = EXPRESSION

    @cached_property
    def origins(self) -> dict[str, Any]:
        """The networks that the run learns from and begins with, by the SHA-256 of their files.

        Read once, since the files may go while the run goes on.
        """
        return {
            "teachers": [file_sha256(path) for path in self.teachers],
            "start": None if self.start is None else file_sha256(self.start),
        }


def claim_folder(run: Run, dataset: Dataset) -> None:
    """Note what is asked for, or check that the folder holds the same.

    A run of an older version goes on, and the user hears what cannot be compared.
    Raises UsageError when settings differ, InputError when `run.json` is damaged.
    """
    path, asked = run.out / "run.json", _settings(run, dataset)
    if not path.exists():
        run.out.mkdir(parents=True, exist_ok=True)
        write_json(path, asked)
        return
    held = _completed(_read_settings(path), {"recipe": Recipe().as_record()})
    is_older = None in (held.get(ALL_ARRAYS), asked[ALL_ARRAYS])
    names = [name for name in _differing(held, asked) if not (is_older and name == ALL_ARRAYS)]
    if names:
        raise UsageError(
            f"Expected the settings of the run that {run.out} holds, but other ones came for {', '.join(names)}. "
            "Give the same settings to go on with it, or another --out."
        )
    if is_older:
        notify(
            f"Note: the images are those of the run that {run.out} holds; whether labels, splits and votes are, too, "
            "cannot be told, since the run or the data are of an older version."
        )


def _settings(run: Run, dataset: Dataset) -> dict[str, Any]:
    # Runs of older versions do not name the target.
    target = {} if run.target == EXPRESSION else {"target": run.target}
    return target | {
        "architecture": run.architecture,
        "recipe": run.recipe.as_record(),
        "seed": run.seed,
        "data": dataset.description["sha256"],
        ALL_ARRAYS: dataset.description.get("arrays_sha256"),
        **run.origins,
    }


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"Expected the settings of a run in {path}, but the file is damaged ({error}). Give another --out."
        ) from error


def _completed(held: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Fill in the settings of the recipe that came after the version which wrote the file; by default they are off."""
    whole = defaults | held
    for name, value in defaults.items():
        if isinstance(value, dict) and isinstance(held.get(name), dict):
            whole[name] = _completed(held[name], value)
    return whole


def _differing(held: dict[str, Any], asked: dict[str, Any], prefix: str = "") -> list[str]:
    """Names of the settings that are not the same, such as `recipe.epochs`."""
    names = []
    for name in sorted(held.keys() | asked.keys()):
        one, other = held.get(name), asked.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            names += _differing(one, other, f"{prefix}{name}.")
        elif one != other:
            names.append(prefix + name)
    return names
