"""Where the results of a batch stand: a folder here, on a shared disk, or in object storage, through fsspec.

    OUT/faces/video=KEY/faces.parquet         partitions as Hive names them, which pyarrow, DuckDB and Spark read as one
    OUT/episodes/video=KEY/episodes.parquet   table with a column `video`
    OUT/summaries/KEY.json                    written last: a video without it is not done

A part appears whole or not at all, and a video that is analysed again takes the place of its earlier parts, so that
however often its worker died, each row is there once.
"""

import importlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fer_client.errors import InputError, UsageError
from fer_client.media.network import is_url, shown_url

_TABLES = ("faces", "episodes")
_PACKAGES = {"http": "aiohttp", "https": "aiohttp", "s3": "s3fs", "gs": "gcsfs"}
"""What fsspec needs for addresses of a scheme."""

_VERSION_FIELDS = ("size", "mtime", "LastModified", "ETag", "updated", "last_modified", "etag", "md5Hash")
"""What file systems of fsspec tell of a file that change with its content, each some of them."""


def fsspec_package() -> Any:
    """Import fsspec. Raises UsageError that says how to get it."""
    try:
        return importlib.import_module("fsspec")
    except ImportError as error:
        raise UsageError("A batch needs the package fsspec: pip install 'fer-triton[batch]'.") from error


def file_system(place: str) -> tuple[Any, str]:
    """Give the file system of a path or an address, and the path in it.

    Raises UsageError for an unknown scheme, or one whose package is missing.
    """
    try:
        return fsspec_package().core.url_to_fs(place if is_url(place) else os.path.abspath(place))
    except (ImportError, ValueError) as error:
        package = _PACKAGES.get(place.partition("://")[0].lower())
        if package and isinstance(error, ImportError):
            raise UsageError(
                f"{shown_url(place)}: expected the package {package}, which addresses of this kind need, but it is "
                f"missing or cannot be loaded: pip install {package}."
            ) from error
        raise UsageError(f"{shown_url(place)} cannot be opened: {error}.") from error


def version_of(place: str) -> dict[str, str]:
    """Tell one content of a file from another, as far as its file system does. Raises InputError."""
    system, path = file_system(place)
    try:
        about = system.info(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{shown_url(place)}: expected a video, but it cannot be read: {_reason(error)}."
        ) from error
    return {name: str(about[name]) for name in _VERSION_FIELDS if about.get(name) is not None}


def fetch(place: str, folder: Path) -> Path:
    """Give the video as a file of this machine: itself, or a copy in `folder`. Raises InputError."""
    if not is_url(place):
        return Path(place)
    system, path = file_system(place)
    copy = folder / (Path(path).name or "video")
    try:
        system.get_file(path, str(copy))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{shown_url(place)}: expected a video, but it cannot be read: {_reason(error)}."
        ) from error
    return copy


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


class Storage:
    """The results below `out`."""

    def __init__(self, out: str) -> None:
        self.out = out
        self._system, self._root = file_system(out)
        self._is_local = not is_url(out) or out.startswith(("file://", "local://"))

    def summaries(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Read the summaries of those of the videos that are done, by their keys."""
        folder = f"{self._root}/summaries"
        if not self._system.exists(folder):
            return {}
        there = {Path(name).name for name in self._system.ls(folder, detail=False)}
        return {
            key: json.loads(self._system.cat_file(self._summary(key)))
            for key in keys
            if f"{key}.json" in there
        }

    def put(self, key: str, folder: Path, summary: Mapping[str, Any]) -> None:
        """Store one video's tables, which stand in `folder`, and its summary. Raises UsageError."""
        try:
            for table in _TABLES:
                self._put(folder / f"{table}.parquet", f"{self._part(table, key)}/{table}.parquet")
            written = folder / "written.json"
            written.write_text(json.dumps(summary, indent=2), encoding="utf-8")
            self._put(written, self._summary(key))
        except OSError as error:
            raise UsageError(
                f"The results cannot be written to {shown_url(self.out)}: {_reason(error)}. Choose another --out."
            ) from error

    def remove(self, key: str) -> None:
        """Remove what is there of a video, the summary first."""
        for path in (self._summary(key), *(self._part(table, key) for table in _TABLES)):
            if self._system.exists(path):
                self._system.rm(path, recursive=True)

    def _summary(self, key: str) -> str:
        return f"{self._root}/summaries/{key}.json"

    def _part(self, table: str, key: str) -> str:
        return f"{self._root}/{table}/video={key}"

    def _put(self, source: Path, target: str) -> None:
        """Object storage shows a file once it is whole; on a disk it gets its name then."""
        self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
        if not self._is_local:
            self._system.put_file(str(source), target)
            return
        partial = f"{target}.{uuid.uuid4().hex}.partial"
        try:
            self._system.put_file(str(source), partial)
            os.replace(partial, target)
        finally:
            if os.path.exists(partial):
                os.remove(partial)
