"""Which folder an input's result gets, and that an address keeps its secrets there."""

from pathlib import Path

import pytest

from fer_client.errors import UsageError
from fer_client.outputs.result_folder import folder_names
from support.command import Command, read_rows
from support.inputs import found, touch
from support.videos import face_frame, write_video


def named(*words: str) -> list[str]:
    return [str(name) for name in folder_names(found(*words))]


class TestNames:
    def test_stems_or_whole_names(self) -> None:
        assert named("a/x.mp4", "y.mov") == ["x", "y"]
        assert named("x.mp4", "x.mov", "y.mov") == ["x.mp4", "x.mov", "y"]

    @pytest.mark.parametrize(
        "words", [("a/x.mp4", "a/x.mp4"), ("a/x.mp4", "./a/x.mp4"), ("y.mp4", "{}/y.mp4")]
    )
    def test_a_file_that_is_named_twice(self, words: tuple[str, str]) -> None:
        with pytest.raises(UsageError, match=r"[xy]\.mp4 is named twice"):
            named(*(word.format(Path.cwd()) for word in words))

    def test_a_file_that_is_named_by_itself_too(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/x.mp4", "a/y.jpg")
        for name in ("x.mp4", "y.jpg"):
            with pytest.raises(UsageError, match="with a folder around it"):
                named(str(tmp_path / "a"), str(tmp_path / "a" / name))

    def test_inputs_of_one_name_are_numbered_later(self, tmp_path: Path) -> None:
        assert named("a/x.mp4", "b/x.mp4") == ["x", "x"]
        assert named("a/x.mp4", "b/x.mp4", "x.mov") == ["x.mp4", "x.mp4", "x.mov"]
        assert named("rtsp://cam/a/1", "rtsp://cam/b/1") == ["cam-1", "cam-1"]
        with pytest.raises(UsageError, match="cam-1"):
            named("rtsp://cam/1?a=1", "rtsp://cam/1?a=2")
        touch(tmp_path, "a/s/x.mp4", "b/s/x.mp4")
        with pytest.raises(UsageError, match=r"s/x\.mp4"):
            named(str(tmp_path / "a" / "s"), str(tmp_path / "b" / "s"))

    def test_a_stem_of_dots_names_no_folder(self) -> None:
        assert named("..mp4", "...mp4", "a.mp4") == ["..mp4", "...mp4", "a"]

    def test_no_result_inside_another(self, tmp_path: Path) -> None:
        touch(tmp_path / "s", "p1.mp4", "p1/a.mp4")
        assert named(str(tmp_path / "s")) == ["s/p1.mp4", "s/p1/a"]

    def test_addresses_keep_their_secrets(self) -> None:
        (stream,) = found("rtsp://user:word@cam.local:554/live/main.sdp?token=x")
        assert stream.shown == "rtsp://cam.local:554/live/main.sdp"
        assert named("http://host/", "https://host/a/talk%20b.mp4?sig=1") == ["host", "host-talk_20b"]

    @pytest.mark.parametrize(
        ("address", "name"),
        [
            ("udp://127.0.0.1:5004", "127.0.0.1-5004"),
            ("udp://@239.0.0.1:1234", "239.0.0.1-1234"),
            ("udp://[::1]:5004", "__1-5004"),
            ("rtsp://camera/stream", "camera-stream"),
            ("rtsp://10.0.0.7:554/live.v2/main.sdp", "10.0.0.7-main"),
        ],
    )
    def test_a_stream_is_named_by_its_host_and_what_it_serves(self, address: str, name: str) -> None:
        assert named(address) == [name]

    @pytest.mark.parametrize(
        ("address", "shown", "name"),
        [
            ("rtsp://cam/user=me&password=word", "rtsp://cam", "cam"),
            ("rtsp://cam/user%3Dme%26password%3Dword/1.sdp", "rtsp://cam/1.sdp", "cam-1"),
            ("rtsp://me:wo@rd@cam/1", "rtsp://cam/1", "cam-1"),
            ("rtsp://me:12/word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://me:12?word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://me:12#word@cam/1", "rtsp://(hidden)", "stream"),
            ("rtsp://cam/1?mail=word@host", "rtsp://cam/1", "cam-1"),
        ],
    )
    def test_secrets_in_odd_places(self, address: str, shown: str, name: str) -> None:
        (stream,) = found(address)
        assert (stream.shown, named(address)) == (shown, [name])

    def test_an_address_with_a_long_name(self) -> None:
        (name,) = named(f"http://host/{'é' * 300}.mp4")
        assert 100 <= len(name.encode()) <= 250


class TestCommand:
    def test_a_name_too_long_for_the_disk(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        long = tmp_path / f"{'x' * 249}.mp4"
        long.write_bytes(face_video.read_bytes())
        done = run(long, face_video)
        assert done.returncode == 0
        assert (tmp_path / "out" / ("x" * 249)).is_dir()

    def test_equal_names_get_folders_of_their_own(
        self, run: Command, face_video: Path, tmp_path: Path
    ) -> None:
        for name in ("a.mp4", "a.mov"):
            (tmp_path / name).write_bytes(face_video.read_bytes())
        assert run("a.mp4", "a.mov").returncode == 0
        assert {"a.mp4", "a.mov"} <= {path.name for path in (tmp_path / "out").iterdir()}

    def test_inputs_of_one_name_get_numbered_folders(self, run: Command, tmp_path: Path) -> None:
        for count, folder in enumerate("abc", start=5):
            (tmp_path / folder).mkdir()
            write_video(tmp_path / folder / "x.mp4", [face_frame()] * count, range(0, 512 * count, 512))
        done = run("a/x.mp4", "b/x.mp4")
        assert done.returncode == 0, done.stderr
        assert "b/x.mp4: its result goes to out/x-2, since out/x holds that of" in done.stderr
        again = run("c/x.mp4", "b/x.mp4", "a/x.mp4")
        assert again.stdout.count("done before") == 2
        counts = {
            place: len(read_rows(tmp_path / "out" / place / "faces.csv")) for place in ("x", "x-2", "x-3")
        }
        assert counts == {"x": 5, "x-2": 6, "x-3": 7}
        assert len(read_rows(tmp_path / "out" / "faces.csv")) == 5 + 6 + 7

    def test_copies_of_one_name_share_a_result(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        for folder in "ab":
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "x.mp4").write_bytes(face_video.read_bytes())
        assert run("a/x.mp4", "b/x.mp4").returncode == 0
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["faces.csv", "study.csv", "x"]
        assert len(read_rows(tmp_path / "out" / "faces.csv")) == 30
