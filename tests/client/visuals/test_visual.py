"""What is made of a result: once, whole or not at all, and anew where the result or an option is another."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError, UsageError
from fer_client.media.discovery import find_inputs
from fer_client.media.sources import Source, video_file
from fer_client.outputs.result_folder import made_visuals
from fer_client.outputs.tables import FORMATS
from fer_client.settings import Settings
from fer_client.visuals import visual
from fer_client.visuals.catalogue import VISUALS
from fer_client.visuals.visual import Request, Tick, Visual, add_visuals
from support.command import Command


class Count(Visual):
    """Writes how many faces the result has."""

    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None

    def name(self, _source: Source, _settings: Settings) -> str:
        return "report.html"

    def is_wanted(self, settings: Settings) -> bool:
        return settings.report

    def options(self, settings: Settings) -> dict[str, Any]:
        return {"anonymize": settings.anonymize}

    def make(self, request: Request, path: Path, _tick: Tick) -> None:
        self.times += 1
        path.write_text(str(len(request.result.faces)))
        if self.error:
            raise self.error


@contextmanager
def silent(_: str) -> Iterator[Tick]:
    yield lambda _share: None


@pytest.fixture
def folder(run: Command, face_video: Path, tmp_path: Path) -> Path:
    run(face_video)
    return tmp_path / "out" / "face"


def test_one_is_made_once_and_anew_with_other_options(folder: Path, face_video: Path) -> None:
    count, source = Count(), video_file(face_video)
    assert add_visuals([count], source, folder, Settings(), silent) == []
    for _ in range(2):
        add_visuals([count], source, folder, Settings(report=True), silent)
    assert count.times == 1
    add_visuals([count], source, folder, Settings(report=True, anonymize=True), silent)
    assert count.times == 2


def test_a_new_result_makes_it_old(folder: Path, face_video: Path) -> None:
    count, source = Count(), video_file(face_video)
    add_visuals([count], source, folder, Settings(report=True), silent)
    (folder / "summary.json").write_text((folder / "summary.json").read_text() + "\n")
    add_visuals([count], source, folder, Settings(report=True), silent)
    assert count.times == 2


def test_what_still_shows_faces_is_told_where_they_are_to_be_hidden(folder: Path, face_video: Path) -> None:
    told: list[str] = []
    source = video_file(face_video)
    add_visuals([Count()], source, folder, Settings(report=True), silent)
    add_visuals([Count()], source, folder, Settings(anonymize=True), silent, notify=told.append)
    (sentence,) = told
    assert "report.html, which an earlier run made, still shows its faces" in sentence
    add_visuals([Count()], source, folder, Settings(report=True, anonymize=True), silent, notify=told.append)
    add_visuals([Count()], source, folder, Settings(anonymize=True), silent, notify=told.append)
    assert len(told) == 1


def test_a_file_of_the_user_is_never_replaced(folder: Path, face_video: Path) -> None:
    (folder / "report.html").write_text("mine")
    with pytest.raises(UsageError, match=r"report\.html is in the way"):
        add_visuals([Count()], video_file(face_video), folder, Settings(report=True), silent)
    assert (folder / "report.html").read_text() == "mine"


def test_what_fails_leaves_the_one_before(folder: Path, face_video: Path) -> None:
    count, source = Count(), video_file(face_video)
    add_visuals([count], source, folder, Settings(report=True), silent)
    before = (folder / "report.html").read_text()
    count.error = InputError("gone")
    with pytest.raises(InputError):
        add_visuals([count], source, folder, Settings(report=True, anonymize=True), silent)
    assert (folder / "report.html").read_text() == before
    assert not list(folder.parent.glob(".fer-*"))


class KilledError(BaseException):
    """Ends a run where a signal would."""


def test_one_of_a_run_that_was_killed_before_it_could_note_it_is_made_anew(
    folder: Path, face_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, source = Count(), video_file(face_video)
    write, calls = visual._write_made, []

    def killed_at_the_second(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise KilledError
        write(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(visual, "_write_made", killed_at_the_second)
        with pytest.raises(KilledError):
            add_visuals([count], source, folder, Settings(report=True), silent)
    assert (folder / "report.html").exists()
    add_visuals([count], source, folder, Settings(report=True), silent)
    assert count.times == 2
    add_visuals([count], source, folder, Settings(report=True), silent)
    assert count.times == 2


def test_one_that_fails_is_not_noted(folder: Path, face_video: Path) -> None:
    count = Count()
    count.error = InputError("gone")
    with pytest.raises(InputError):
        add_visuals([count], video_file(face_video), folder, Settings(report=True), silent)
    assert not (folder / "visuals.json").exists()


def test_a_disk_that_takes_no_note_is_told(
    folder: Path, face_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(visual.json, "dumps", full)
    with pytest.raises(UsageError, match="Free some space"):
        add_visuals([Count()], video_file(face_video), folder, Settings(report=True), silent)


def test_every_visual_is_known_to_the_folder_that_it_stands_in(face_video: Path, photographs: Path) -> None:
    """A name that `made_visuals` does not know would lock the result's folder."""
    sources = [video_file(face_video), *find_inputs([str(photographs)], None).sources]
    names = {
        visual.name(source, Settings(table_format=form))
        for visual in VISUALS
        for source in sources
        for form in FORMATS
    }
    folder = face_video.parent / "known"
    folder.mkdir()
    (folder / "visuals.json").write_text(
        json.dumps({name: {"options": {}} for name in names} | {"report.html": 3})
    )
    assert made_visuals(folder).keys() == names - {"report.html"}
