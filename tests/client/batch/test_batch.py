"""A batch: its list, its results, and what stays of an earlier run."""

import contextlib
import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fer_client.batch.engines import ENGINES
from fer_client.batch.manifest import make_items, read_manifest
from fer_client.batch.storage import file_system
from fer_client.cli.batch import _ENGINES, _length
from fer_client.errors import UsageError
from fer_client.pipeline.sandbox import process
from fer_client.pipeline.sandbox.confinement import obstacle
from support.command import Command, Done
from support.protocol_server import ProtocolServer
from support.videos import default_frames, uneven_ticks, write_video

pytest.importorskip("fsspec")
dataset = pytest.importorskip("pyarrow.dataset")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A list of three videos of 30, 24 and 18 frames."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for name, count in (("one", 30), ("two", 24), ("three", 18)):
        write_video(folder / f"{name}.mp4", default_frames()[:count], uneven_ticks(count))
    manifest = tmp_path / "list.txt"
    manifest.write_text("# three of them\n\nvideos/one.mp4\nvideos/two.mp4\nvideos/three.mp4\n")
    return manifest


Batch = Callable[..., Done]


@pytest.fixture
def batch(command: Command, server: ProtocolServer, videos: Path) -> Batch:
    """Run `fer-client batch` on the list; given options win."""

    def run(*words: object) -> Done:
        common = ("-o", "results", "--detector", "lumaface", "--url", server.url)
        return command("batch", videos, *common, *words)

    return run


def rows(out: Path, table: str = "faces") -> list[dict[str, Any]]:
    return dataset.dataset(out / table, partitioning="hive").to_table().to_pylist()


def summaries(out: Path) -> dict[str, bytes]:
    return {path.stem.rpartition("-")[0]: path.read_bytes() for path in sorted((out / "summaries").iterdir())}


def test_each_video_is_in_the_tables_once(batch: Batch, tmp_path: Path) -> None:
    done = batch()
    assert done.returncode == 0, done.stderr
    assert "Wrote results: 3 of 3 videos, 3.2 seconds; 0 were" in done.stdout
    frames = [(row["video"].rpartition("-")[0], row["frame"]) for row in rows(tmp_path / "results")]
    expected = [("one", 30), ("two", 24), ("three", 18)]
    assert sorted(frames) == sorted((name, frame) for name, count in expected for frame in range(count))
    assert set(summaries(tmp_path / "results")) == {"one", "two", "three"}
    assert {row["video"].rpartition("-")[0] for row in rows(tmp_path / "results", "episodes")} <= {
        "one",
        "two",
        "three",
    }


def test_the_faces_are_those_of_the_main_command(batch: Batch, run: Command, tmp_path: Path) -> None:
    assert batch().returncode == 0
    assert run("videos/one.mp4").returncode == 0
    with (tmp_path / "out" / "one" / "faces.csv").open(newline="") as file:
        wanted = [(row["frame"], row["track"], row["x"], row["confidence"]) for row in csv.DictReader(file)]
    found = [row for row in rows(tmp_path / "results") if row["video"].startswith("one-")]
    assert [
        (str(row["frame"]), text(row["track"]), text(row["x"]), text(row["confidence"])) for row in found
    ] == wanted


def text(value: float | int | None) -> str:
    return "" if value is None else f"{value:.6f}" if isinstance(value, float) else str(value)


def test_what_is_done_is_left_and_what_changed_is_done_again(batch: Batch, tmp_path: Path) -> None:
    batch()
    first = summaries(tmp_path / "results")
    write_video(tmp_path / "videos" / "two.mp4", default_frames()[:12], uneven_ticks(12))
    done = batch()
    assert "1 of 3 videos" in done.stdout
    assert "2 were done before" in done.stdout
    second = summaries(tmp_path / "results")
    assert [name for name in first if first[name] != second[name]] == ["two"]
    assert len(rows(tmp_path / "results")) == 30 + 12 + 18


def test_other_settings_are_not_mixed(batch: Batch, tmp_path: Path) -> None:
    batch()
    before = summaries(tmp_path / "results")
    refused = batch("--fps", "5")
    assert refused.returncode == 2
    assert "with other settings (fps)" in refused.stderr
    assert summaries(tmp_path / "results") == before
    assert batch("--fps", "5", "--overwrite").returncode == 0
    assert len(rows(tmp_path / "results")) < 30 + 24 + 18


def test_another_network_is_not_mixed_in(
    batch: Batch, videos: Path, tmp_path: Path, server: ProtocolServer
) -> None:
    videos.write_text("videos/one.mp4\n")
    batch()
    server.temperature = 2.0
    videos.write_text("videos/one.mp4\nvideos/two.mp4\n")
    done = batch()
    assert done.returncode == 5
    assert "would mix two" in done.stderr
    assert "worker" not in done.stderr
    assert set(summaries(tmp_path / "results")) == {"one"}
    assert len(rows(tmp_path / "results")) == 30


def test_a_video_that_cannot_be_read_does_not_stop_the_others(batch: Batch, tmp_path: Path) -> None:
    (tmp_path / "videos" / "two.mp4").write_bytes(b"no video")
    (tmp_path / "videos" / "one.mp4").unlink()
    done = batch()
    assert done.returncode == 3
    assert "one.mp4" in done.stderr
    assert "two.mp4" in done.stderr
    assert "Traceback" not in done.stderr
    assert set(summaries(tmp_path / "results")) == {"three"}


def test_inputs_and_results_may_be_at_addresses_of_fsspec(batch: Batch, videos: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    try:
        memory.put_file(str(tmp_path / "videos" / "one.mp4"), "/bucket/one.mp4")
        videos.write_text("memory://bucket/one.mp4\nmemory://bucket/missing.mp4\n")
        done = batch("-o", "memory://bucket/results")
        assert done.returncode == 3
        assert "missing.mp4: expected a video" in done.stderr
        (summary,) = [
            json.loads(memory.cat_file(path)) for path in memory.ls("/bucket/results/summaries", detail=False)
        ]
        assert summary["input"]["origin"] == "memory://bucket/one.mp4"
        (part,) = memory.glob("/bucket/results/faces/video=one-*/faces.parquet")
        memory.get_file(part, str(tmp_path / "faces.parquet"))
        assert dataset.dataset(tmp_path / "faces.parquet").count_rows() == 30
    finally:
        memory.store.clear()
        shutil.rmtree(tmp_path / "results", ignore_errors=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names none"),
        ("# nothing\n", "names none"),
        ("a.mp4\n./a.mp4\n", "a.mp4 is named twice"),
        ("s3://bucket/a.mp4?secret\ns3://bucket/a.mp4?secret\n", "is named twice"),
    ],
)
def test_a_list_names_each_video_once(tmp_path: Path, text: str, message: str) -> None:
    manifest = tmp_path / "list.txt"
    manifest.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_manifest(manifest)
    assert "secret" not in str(caught.value)


def test_videos_of_one_name_have_parts_of_their_own() -> None:
    items = make_items(["a/talk.mp4", "b/talk.mp4", "s3://bucket/Tälk 1.mp4"])
    keys = [item.key for item in items]
    assert len(set(keys)) == 3
    assert [key.rpartition("-")[0] for key in keys] == ["talk", "talk", "T-lk-1"]
    assert keys == [item.key for item in make_items(["a/talk.mp4", "b/talk.mp4", "s3://bucket/Tälk 1.mp4"])]


def test_a_run_that_is_killed_goes_on_where_it_was(
    batch: Batch, videos: Path, server: ProtocolServer, tmp_path: Path
) -> None:
    words = ["-o", "results", "--detector", "lumaface", "--url", server.url]
    results = tmp_path / "results"
    process = subprocess.Popen([sys.executable, "-m", "fer_client", "batch", videos, *words], cwd=tmp_path)
    while process.poll() is None and not list(results.glob("summaries/*.json")):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    process.kill()
    process.wait()
    before = summaries(results)
    assert before
    done = batch()
    assert f"{len(before)} were done before" in done.stdout
    after = summaries(results)
    assert {name: after[name] for name in before} == before
    assert len(rows(results)) == 30 + 24 + 18
    assert list(results.rglob("*.partial")) == []


def test_the_options_name_the_engines() -> None:
    assert tuple(ENGINES) == _ENGINES


def test_an_engine_that_is_none_is_named(command: Command, videos: Path) -> None:
    done = command("batch", videos, "--engine", "spark")
    assert done.returncode == 2
    assert "--engine must be here or ray, but is spark" in done.stderr


@pytest.mark.parametrize(
    "words",
    [("--workers", "4"), ("--cpus", "1"), ("--address", "head:6379"), ("--engine", "here", "--workers", "2")],
)
def test_options_of_ray_are_refused_without_it(
    command: Command, videos: Path, words: tuple[str, ...]
) -> None:
    done = command("batch", videos, *words)
    assert done.returncode == 2
    assert f"{words[-2]} is for Ray alone, but the engine is here" in done.stderr
    assert "--engine ray" in done.stderr


@pytest.mark.parametrize(
    ("place", "package"),
    [("https://host/talk.mp4?token=secret", "aiohttp"), ("s3://bucket/talk.mp4", "s3fs")],
)
def test_a_package_that_an_address_needs_is_named(place: str, package: str) -> None:
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(
        UsageError, match=f"expected the package {package}.*: pip install {package}"
    ) as caught:
        file_system(place)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 seconds"),
        (59.9, "59.9 seconds"),
        (90.0, "1.5 minutes"),
        (3599.0, "60.0 minutes"),
        (5400.0, "1.50 hours"),
    ],
)
def test_a_length_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert _length(seconds) == text


def test_a_list_from_an_editor_that_marks_its_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("talk.mp4\n", encoding="utf-8-sig")
    (item,) = read_manifest(tmp_path / "list.txt")
    assert item.place.endswith("talk.mp4")
    assert "\ufeff" not in item.place


def test_failures_at_addresses_that_differ_in_their_queries_are_all_told(batch: Batch, videos: Path) -> None:
    videos.write_text("memory://bucket/get?id=1\nmemory://bucket/get?id=2\n")
    done = batch()
    assert done.returncode == 3
    assert done.stderr.count("expected a video") == 2
    assert "2 failed" in done.stdout


def test_results_of_other_lists_are_not_read(batch: Batch, videos: Path, tmp_path: Path) -> None:
    batch()
    for path in (tmp_path / "results" / "summaries").glob("[ot][nh]*.json"):
        path.write_text("what another list left here")
    videos.write_text("videos/two.mp4\n")
    done = batch()
    assert done.returncode == 0, done.stderr
    assert "1 were done before" in done.stdout


@pytest.mark.parametrize("is_link", [False, True])
def test_a_place_that_somebody_else_has_taken_is_not_used(
    batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_link: bool
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    place = tmp_path / "tmp" / f"fer-batch-{os.getuid()}"
    if is_link:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.touch()
    done = batch()
    assert done.returncode == 2
    assert "TMPDIR" in done.stderr


@pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")
class TestSandbox:
    def test_the_rows_are_those_of_a_batch_without_it(
        self, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert batch().returncode == 0
        start, started = process._start, []
        monkeypatch.setattr(process, "_start", lambda: started.append(start()) or started[-1])
        assert batch("-o", "confined", "--sandbox").returncode == 0
        assert len(started) == 3
        assert sorted_rows(tmp_path / "confined") == sorted_rows(tmp_path / "results")

    def test_a_decoder_that_ends_is_told_for_each_video(
        self, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", "exit(7)"])
        done = batch("--sandbox")
        assert done.returncode == 3
        for name in ("one", "two", "three"):
            assert f"{name}.mp4: expected an input that can be decoded" in done.stderr
        assert "exit code 7" in done.stderr
        assert not list((tmp_path / "results" / "summaries").glob("*"))


def sorted_rows(out: Path) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in rows(out)), key=repr)
