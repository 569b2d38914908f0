"""Versions of a repository: what a further export leaves, what serves, and how to go back."""

from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError, UsageError
from fer_export import versions
from fer_export.repository import parse_config, write
from support.repositories import built, snapshot


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A repository as it is committed: version 1, without a policy."""
    write(built(b"pre 1", b"net 1", architecture="first"), tmp_path)
    return tmp_path


def add(directory: Path, mark: bytes, affect: str = "", activate: bool = False, **provenance: str) -> int:
    number = versions.next_version(directory)
    files = built(b"pre " + mark, b"net " + mark, affect, number, **provenance)
    versions.add(files, number, directory, activate)
    return number


def served(directory: Path, model: str = "fer") -> Any:
    return parse_config((directory / model / "config.pbtxt").read_text())


def test_first_export_is_plain(tmp_path: Path) -> None:
    assert add(tmp_path / "new", b"1") == 1

    assert snapshot(tmp_path / "new") == built(b"pre 1", b"net 1")
    assert versions.active(tmp_path / "new") == 1


def test_further_export_stands_beside_and_does_not_serve(directory: Path) -> None:
    before = snapshot(directory)

    assert add(directory, b"2", architecture="second") == 2

    assert versions.stored(directory) == [1, 2]
    assert versions.active(directory) == 1
    for model in ("fer", "expression", "face_preprocess"):
        assert list(served(directory, model).version_policy.specific.versions) == [1]
    assert served(directory).parameters["architecture"].string_value == "first"
    assert (directory / "expression/2/model.onnx").read_bytes() == b"net 2"
    changed = {path for path, content in before.items() if snapshot(directory)[path] != content}
    assert all(path.endswith("config.pbtxt") for path in changed)


def test_activation_and_rollback(directory: Path) -> None:
    add(directory, b"2", architecture="second")
    first = snapshot(directory)

    assert versions.activate(directory, 2) == 1
    assert versions.active(directory) == 2
    assert served(directory).parameters["architecture"].string_value == "second"
    assert served(directory).output[0].label_filename == "2/labels.txt"
    assert (directory / "fer/2/labels.txt").is_file()
    for model in ("expression", "face_preprocess"):
        assert list(served(directory, model).version_policy.specific.versions) == [2]

    assert versions.activate(directory, 1) == 2
    assert snapshot(directory) == first


def test_export_may_serve_at_once(directory: Path) -> None:
    add(directory, b"2", activate=True)

    assert versions.active(directory) == 2
    assert add(directory, b"3") == 3
    assert versions.active(directory) == 2


def test_what_was_changed_by_hand_comes_back_with_its_version(directory: Path) -> None:
    path = directory / "expression/config.pbtxt"
    path.write_text(path.read_text().replace("count: 2", "count: 7"))
    add(directory, b"2", activate=True)
    assert served(directory, "expression").instance_group[0].count == 2

    versions.activate(directory, 1)

    assert served(directory, "expression").instance_group[0].count == 7


@pytest.mark.parametrize("version", [1, 2])
def test_switch_that_was_killed_is_mended(directory: Path, version: int) -> None:
    add(directory, b"2", activate=True)
    versions.activate(directory, 1)
    first = snapshot(directory)
    versions.activate(directory, 2)
    whole = first if version == 1 else snapshot(directory)
    (directory / "expression/config.pbtxt").write_bytes(first["expression/config.pbtxt"])

    versions.activate(directory, version)

    assert snapshot(directory) == whole


def test_model_that_only_one_version_has(directory: Path) -> None:
    add(directory, b"2", "valence_arousal")

    assert versions.active(directory) == 1
    assert list(served(directory, "valence_arousal").version_policy.specific.versions) == [2]
    versions.activate(directory, 2)
    assert [output.name for output in served(directory).output] == ["EXPRESSION", "VALENCE_AROUSAL"]
    versions.activate(directory, 1)
    assert [output.name for output in served(directory).output] == ["EXPRESSION"]


def test_version_that_is_not_there(directory: Path) -> None:
    before = snapshot(directory)

    with pytest.raises(UsageError, match="has no version 4: name one of 1"):
        versions.activate(directory, 4)

    assert snapshot(directory) == before


@pytest.mark.parametrize("place", ["expression/config.pbtxt", "fer/2/config.pbtxt"])
def test_switch_that_fails_changes_nothing(directory: Path, place: str) -> None:
    add(directory, b"2")
    before = snapshot(directory)
    (directory / place).write_text("nonsense: 1")
    broken = snapshot(directory)

    with pytest.raises(InputError, match=r"config\.pbtxt could not be read"):
        versions.activate(directory, 2)

    assert snapshot(directory) == broken
    assert before.keys() == broken.keys()


@pytest.mark.parametrize("late", ["expression", "fer"])
def test_disk_that_is_full_changes_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    before = snapshot(directory)
    rename = Path.rename

    def fails_late(source: Path, target: Path) -> Path:
        if source.parent.name == late:
            raise OSError(28, "No space left on device")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fails_late)
    with pytest.raises(InputError, match="No space left on device"):
        add(directory, b"2", activate=True)

    assert snapshot(directory) == before


@pytest.mark.parametrize("present", ["expression", "face_preprocess", "fer"])
def test_models_of_somebody_else_are_left_alone(tmp_path: Path, present: str) -> None:
    (tmp_path / present).mkdir()

    with pytest.raises(UsageError, match=f"already holds {present}, but is no model repository.*--overwrite"):
        versions.next_version(tmp_path)


def test_copy_under_the_next_number(directory: Path) -> None:
    files = versions.copied(directory, 2)

    assert files == built(b"pre 1", b"net 1", version=2, architecture="first")
