"""Frames in memory as an input: as their file would be, checked, and never held all at once."""

import gc
import itertools
import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_client import Analyzer, ArrayVideo, InputError, UsageError, analyze
from fer_client.faces.detection import choose_detector
from fer_client.media.array_source import array_source
from fer_client.media.video import open_video
from support.protocol_server import ProtocolServer
from support.videos import default_frames, face_frame, write_video

DOCS = Path(__file__).parents[3] / "docs" / "client.md"
FEW = default_frames()[5:15]


@pytest.fixture
def analyzer(server: ProtocolServer) -> Iterator[Analyzer]:
    with Analyzer(url=server.url, detector="lumaface") as opened:
        yield opened


def luma(count: int = 3) -> NDArray[np.uint8]:
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in FEW[:count]]).astype(np.uint8)


def rgb(frames: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack([frame[..., ::-1] for frame in frames])


def rows(analyzer: Analyzer, given: Any) -> list[dict[str, Any]]:
    return [row | {"source": ""} for row in analyzer.rows(given)]


class TestEqualToFiles:
    def test_luma_equals_a_lossless_gray_video(self, analyzer: Analyzer, tmp_path: Path) -> None:
        path = tmp_path / "gray.mkv"
        write_video(path, FEW, [512 * index for index in range(len(FEW))], "ffv1", pixel_format="gray")
        with open_video(path) as video:
            read = [(frame.luma.copy(), frame.time_s) for frame in video.frames()]
        pictures, times_s = np.stack([picture for picture, _ in read]), [time_s for _, time_s in read]
        of_file = analyzer.analyze(path)
        for given in (
            ArrayVideo(pictures, times_s),
            ArrayVideo(pictures, fps=25),
            ArrayVideo(iter(pictures), fps=25),
        ):
            result = analyzer.analyze(given)
            assert [row | {"source": path.name} for row in result.rows] == of_file.rows
            assert result.episodes == of_file.episodes
            for key in ("overall", "tracks", "seconds_analysed", "frames_decoded", "frames_detected"):
                assert result.summary[key] == of_file.summary[key], key
        assert any(row["track"] for row in of_file.rows)

    def test_rgb_equals_lossless_pictures(self, server: ProtocolServer, tmp_path: Path) -> None:
        (tmp_path / "film").mkdir()
        for index, frame in enumerate(FEW):
            cv2.imwrite(str(tmp_path / "film" / f"{index:03d}.png"), frame)
        with Analyzer(url=server.url, detector="lumaface", sequence_fps=25) as analyzer:
            of_files = rows(analyzer, tmp_path / "film")
            assert rows(analyzer, ArrayVideo(rgb(FEW), fps=25)) == of_files

    def test_any_memory_order_and_times_of_any_kind(self, analyzer: Analyzer) -> None:
        pictures = luma()
        expected = rows(analyzer, ArrayVideo(pictures, [0.0, 0.25, 0.5]))
        turned = np.asfortranarray(pictures)
        clock = (index / 4 for index in itertools.count())
        for times_s in ((0, 0.25, 0.5), np.float32([0, 0.25, 0.5]), clock):
            assert rows(analyzer, ArrayVideo(turned, times_s)) == expected


class TestAnalyzer:
    def test_all_methods_take_it(self, analyzer: Analyzer) -> None:
        video = ArrayVideo(luma(), fps=25, name="camera 1")
        records = list(analyzer.records(video))
        assert {record.source for record in records} == {"camera 1"}
        assert [row["source"] for row in analyzer.rows(video)] == ["camera 1"] * len(records)
        summary = analyzer.summary(video)
        assert summary["input"] == {
            "kind": "array",
            "name": "camera 1",
            "origin": None,
            "fingerprint": None,
        }
        assert (summary["video"]["width"], summary["video"]["height"]) == (320, 240)
        assert "photo_side" not in summary["settings"]
        assert analyzer.analyze(video).records == records
        assert analyzer.episodes(video) == analyzer.analyze(video).episodes

    def test_it_stands_beside_files(self, server: ProtocolServer, face_video: Path) -> None:
        inputs = [ArrayVideo(luma(), fps=25), face_video, ArrayVideo(luma(1), [7.5])]
        found = list(analyze(inputs, url=server.url, detector="lumaface", fps=1))
        assert list(dict.fromkeys(record.source for record in found)) == ["array", "face.mp4"]
        assert (found[-1].source, found[-1].time_s) == ("array", 7.5)

    def test_progress_knows_the_share_where_the_length_is_known(self, server: ProtocolServer) -> None:
        shares: list[float | None] = []
        with Analyzer(
            url=server.url, detector="lumaface", progress=lambda told: shares.append(told.share)
        ) as analyzer:
            for video in (ArrayVideo(luma(2), [1.0, 2.0]), ArrayVideo(iter(luma(2)), fps=1)):
                analyzer.summary(video)
        assert shares == [0.0, 0.5, None, None]

    def test_frames_are_taken_one_by_one_and_let_go(self, server: ProtocolServer) -> None:
        held: list[weakref.ref[Any]] = []
        most = 0

        def frames() -> Iterator[NDArray[np.uint8]]:
            nonlocal most
            for _ in range(150):
                frame = np.zeros((48, 64), np.uint8)
                held.append(weakref.ref(frame))
                most = max(most, sum(ref() is not None for ref in held))
                yield frame

        with Analyzer(url=server.url, detector="lumaface", detection_side=64) as analyzer:
            assert analyzer.summary(ArrayVideo(frames(), fps=25))["frames_analysed"] == 150
        gc.collect()
        assert most <= 3

    def test_a_frame_may_be_written_over_for_the_next(self, analyzer: Analyzer) -> None:
        buffer = np.empty((240, 320), np.uint8)

        def frames() -> Iterator[NDArray[np.uint8]]:
            for picture in luma(8):
                buffer[...] = picture
                yield buffer

        assert rows(analyzer, ArrayVideo(frames(), fps=25)) == rows(analyzer, ArrayVideo(luma(8), fps=25))


class TestWrong:
    @pytest.mark.parametrize(
        ("frames", "times", "words"),
        [
            (np.zeros((2, 8, 8), np.float32), {"fps": 5}, "uint8 [N, H, W] came float32 [2, 8, 8]"),
            (np.zeros((8, 8), np.uint8), {"fps": 5}, "uint8 [N, H, W] came uint8 [8, 8]"),
            (np.zeros((2, 8, 8, 4), np.uint8), {"fps": 5}, "[N, H, W, 3] came uint8 [2, 8, 8, 4]"),
            (np.zeros((240, 320, 3), np.uint8), {"fps": 5}, "uint8 [240, 320, 3] is one picture [picture]"),
            (np.zeros((0, 8, 8), np.uint8), {"fps": 5}, "came uint8 [0, 8, 8]"),
            (np.zeros((2, 0, 8), np.uint8), {"fps": 5}, "came uint8 [2, 0, 8]"),
            (
                np.broadcast_to(np.uint8(0), (1, 20_000, 20_000)),
                {"fps": 5},
                "268 million uint8 [1, 20000, 20000]",
            ),
            ("frames.npy", {"fps": 5}, "NumPy array came an object of type str"),
            (None, {"fps": 5}, "NumPy array came None"),
            (luma(), {}, "either times_s or fps"),
            (luma(), {"fps": 5, "times_s": [0, 1, 2]}, "either times_s or fps"),
            (luma(), {"fps": 0}, "fps above 0 is 0"),
            (luma(), {"fps": "25"}, "fps number '25'"),
            (luma(), {"fps": float("nan")}, "fps number nan"),
            (luma(), {"times_s": [0.0, 1.0]}, "3 frames 2 times"),
            (luma(), {"times_s": [0.0, float("nan"), 1.0]}, "finite times_s[1] is nan"),
            (luma(), {"times_s": ["0", 1, 2]}, "times_s[0] is '0'"),
            (luma(), {"times_s": 0.5}, "times_s came an object of type float"),
            (luma(), {"times_s": np.array(0.5)}, "times_s came float64 []"),
            (luma(), {"fps": 5, "name": 1}, "name text 1"),
        ],
    )
    def test_what_can_be_told_at_once_is(self, frames: Any, times: Any, words: str) -> None:
        with pytest.raises(UsageError) as raised:
            ArrayVideo(frames, **times)
        assert_in_order(str(raised.value), words)

    @pytest.mark.parametrize(
        ("frames", "times", "words"),
        [
            ([luma()[0], np.zeros((8, 8))], {"fps": 5}, "array: uint8 [H, W] frame 1 is float64 [8, 8]"),
            ([luma()[0], None], {"fps": 5}, "frame 1 is None"),
            ([[0, 1]], {"fps": 5}, "frame 0 is an object of type list"),
            ([luma()[0], luma()[0][:8]], {"fps": 5}, "[240, 320] frame 1 is [8, 320]"),
            ([luma()[0], face_frame()], {"fps": 5}, "[240, 320] frame 1 is [240, 320, 3]"),
            (iter(luma()), {"times_s": [0, 1]}, "time every frame there is none"),
            (iter(luma()), {"times_s": [0, 1, 2, 3]}, "4 times 3 came"),
            (luma(), {"times_s": iter([0, float("inf"), 2])}, "frame 1 is inf"),
            ((1 / 0 for _ in range(1)), {"fps": 5}, "raised ZeroDivisionError: division by zero"),
            (iter(()), {"fps": 5}, "expected frames there is none"),
        ],
    )
    def test_what_shows_later_is_told_as_it_comes(
        self, analyzer: Analyzer, frames: Any, times: Any, words: str
    ) -> None:
        found = analyzer.records(ArrayVideo(frames, **times))
        with pytest.raises(InputError) as raised:
            list(found)
        assert_in_order(str(raised.value), words)

    def test_a_generator_gives_its_frames_once(self, analyzer: Analyzer) -> None:
        video = ArrayVideo(iter(luma()), fps=25)
        assert analyzer.summary(video)["frames_analysed"] == 3
        with pytest.raises(InputError, match=r"there is none.*once"):
            analyzer.summary(video)

    def test_bare_frames_are_told_what_to_be_wrapped_in(self, analyzer: Analyzer) -> None:
        with pytest.raises(UsageError, match="ArrayVideo"):
            analyzer.records(luma())  # type: ignore[arg-type]


def test_every_frame_is_a_frame_of_full_range_luma() -> None:
    with array_source(ArrayVideo(luma(2), [1.5, 1.0])).open() as video:
        frames = list(video.frames())
    assert [(frame.index, frame.time_s, frame.is_full_range) for frame in frames] == [
        (0, 1.5, True),
        (1, 1.0, True),
    ]
    np.testing.assert_array_equal(frames[1].luma, luma(2)[1])
    assert video.info.duration_s is None


def assert_in_order(text: str, words: str) -> None:
    """The words stand in the text in this order; it is one sentence or two."""
    place = 0
    for word in words.split():
        place = text.find(word, place)
        assert place >= 0, (word, text)


@pytest.fixture
def example(
    face_video: Path, server: ProtocolServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], dict[str, Any]]:
    """Run one of the examples in the docs, beside a video, and return its names."""
    (tmp_path / "monday.mp4").write_bytes(face_video.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FER_TRITON_URL", server.url)
    choice = choose_detector("lumaface", None, 0.7)
    monkeypatch.setattr("fer_client.arguments.choose_detector", lambda *_: choice)

    def run(number: int) -> dict[str, Any]:
        examples = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
        names: dict[str, Any] = {}
        exec(compile(examples[number], "client.md", "exec"), names)
        return names

    return run


def test_the_docs_example_of_frames_in_memory_runs(
    example: Callable[[int], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert example(1)["summary"]["input"]["name"] == "black"
    assert capsys.readouterr().out == "2.0\n"


def test_the_docs_example_of_a_camera_runs(
    example: Callable[[int], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert example(2)["face"].source == "camera"
    assert len(capsys.readouterr().out.splitlines()) == 30
