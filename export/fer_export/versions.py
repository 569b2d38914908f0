"""Versions of a model repository: every export is one, one of them serves, and the others stay to go back to.

The folder of a version holds, in each model, its network and its own configuration. The model's `config.pbtxt` is that
of the active version, whose `version_policy` names it alone, so versions may differ in labels, sizes and backend.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from fer_client.contract import MODEL
from fer_client.errors import InputError, UsageError
from fer_export.repository import (
    CONFIG,
    LABELS,
    MODELS,
    config_text,
    parse_config,
    pinned,
    stage,
    write,
    writing,
)


def stored(directory: Path) -> list[int]:
    """Numbers of the versions that the repository holds, ascending."""
    folder = directory / MODEL
    return sorted(int(path.name) for path in folder.glob("[1-9]*") if path.is_dir() and path.name.isdecimal())


def next_version(directory: Path) -> int:
    """The number of the next export: one more than any that a model of the folder has.

    Raises UsageError where the folder holds some of the models, but no repository of this project.
    """
    present = [name for name in MODELS if (directory / name).exists()]
    if present and not (directory / MODEL / CONFIG).is_file():
        raise UsageError(
            f"{directory} already holds {', '.join(present)}, but is no model repository of this project: name another "
            "folder, or give --overwrite to replace what is there."
        )
    folders = (path for name in present for path in (directory / name).iterdir() if path.is_dir())
    return 1 + max((int(path.name) for path in folders if path.name.isdecimal()), default=0)


def active_version(config: ModelConfig, folder: Path) -> int | None:
    """The version of a model that Triton serves: the one that its policy names, else the newest; None without any."""
    if named := list(config.version_policy.specific.versions):
        return max(named)
    return max((int(path.name) for path in folder.glob("[1-9]*") if path.name.isdecimal()), default=None)


def active(directory: Path) -> int:
    """The version that the repository serves. Raises InputError where it has none."""
    path = directory / MODEL / CONFIG
    number = active_version(read_config(path), path.parent)
    if number is None:
        raise InputError(f"{directory} holds no version: write one with fer-export NAME.keras.")
    return number


def add(files: Mapping[str, bytes], version: int, directory: Path, activate_it: bool) -> None:
    """Put the files of a version, as `repository.build` gives them, beside the ones that are there, or change nothing.

    The active version stays so unless `activate_it`; the first one serves at once. Raises InputError where the
    directory cannot be written or read.
    """
    if version == 1:
        write(files, directory)
        return
    models = sorted({path.split("/")[0] for path in files})
    configs = {name: files[f"{name}/{CONFIG}"] for name in models}
    inner = {path: content for path, content in files.items() if path.count("/") > 1}
    inner |= {f"{name}/{version}/{CONFIG}": config for name, config in configs.items()}
    with writing(directory), tempfile.TemporaryDirectory(prefix=".fer-export-", dir=directory) as scratch:
        stage(inner, Path(scratch))
        with _undone_on_failure() as undo:
            # Before the folders come, because a policy that names no version would take the newest.
            _switch(directory, active(directory), undo)
            for name in models:
                if not (directory / name).exists():
                    (directory / name).mkdir()
                    undo.callback(shutil.rmtree, directory / name)
                Path(scratch, name, str(version)).rename(directory / name / str(version))
                undo.callback(shutil.rmtree, directory / name / str(version))
                if not (directory / name / CONFIG).exists():
                    _replace(directory / name / CONFIG, configs[name], undo)
            if activate_it:
                _switch(directory, version, undo)


def copied(directory: Path, version: int) -> dict[str, bytes]:
    """The files of the active version under another number, as `repository.build` gives them."""
    number = str(active(directory))
    files = {}
    for name in MODELS:
        folder = directory / name
        if not (folder / number).is_dir():
            continue
        config = pinned(read_config(folder / CONFIG), version)
        for path in (folder / number).iterdir():
            if path.name != CONFIG:
                files[f"{name}/{version}/{path.name}"] = path.read_bytes()
        for output in config.output:
            if output.label_filename:
                labels = (folder / output.label_filename).read_bytes()
                output.label_filename = f"{version}/{LABELS}"
                files[f"{name}/{output.label_filename}"] = labels
        files[f"{name}/{CONFIG}"] = config_text(config).encode()
    return files


def activate(directory: Path, version: int) -> int:
    """Serve another version from now on; gives the one that served before.

    All configurations change, or none. Raises UsageError for a version that is not there, InputError where a
    configuration cannot be read or written.
    """
    before = active(directory)
    if version not in (numbers := stored(directory)):
        raise UsageError(
            f"{directory} has no version {version}: name one of {', '.join(map(str, numbers))}, or export it."
        )
    with writing(directory), _undone_on_failure() as undo:
        _switch(directory, version, undo)
    return before


def _switch(directory: Path, version: int, undo: ExitStack) -> None:
    """Keep the configuration that serves in its version's folder, model by model, and serve those of `version`."""
    folders = [directory / name for name in MODELS if (directory / name / CONFIG).is_file()]
    for folder in folders:
        config = read_config(folder / CONFIG)
        before = active_version(config, folder)
        if before is not None and (folder / str(before)).is_dir():
            # What somebody has changed there by hand belongs to the version.
            _replace(folder / str(before) / CONFIG, config_text(pinned(config, before)).encode(), undo)
    for folder in folders:
        if (folder / str(version)).is_dir():
            config = pinned(read_config(folder / str(version) / CONFIG), version)
            _replace(folder / CONFIG, config_text(config).encode(), undo)


def read_config(path: Path) -> ModelConfig:
    """Read a model's configuration; InputError where Triton could not."""
    try:
        return parse_config(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} could not be read ({error}): write it with fer-export NAME.keras."
        ) from error


@contextmanager
def _undone_on_failure() -> Iterator[ExitStack]:
    """Collect what takes back the steps of the block; it happens unless the block ends well."""
    with ExitStack() as undo:
        yield undo
        undo.pop_all()


def _replace(path: Path, content: bytes, undo: ExitStack) -> None:
    """Put a file in place at once, so that a server that polls never reads half of it."""
    before = path.read_bytes() if path.exists() else None
    _put(path, content)
    if before is None:
        undo.callback(path.unlink, missing_ok=True)
    else:
        undo.callback(_put, path, before)


def _put(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(content)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
