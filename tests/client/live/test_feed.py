"""The newest frame of a file, and of a stream that stops and returns."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_client.live import feed as feeds
from fer_client.live.feed import Arrival, Feed
from fer_client.live.source import LiveSource, find_live_source
from fer_client.live.state import Condition, State
from support.videos import TIME_BASE, default_frames, empty_frame, uneven_ticks, write_video
from support.web import web

INFO = SimpleNamespace(is_live=False, shown_until_s=None)


def opened(source: LiveSource, told: list[State] | None = None, **options: Any) -> Feed:
    begin = threading.Event()
    begin.set()
    return Feed(source, (told if told is not None else []).append, lambda: False, begin, **options)


def arrivals(feed: Feed) -> Iterator[Arrival]:
    for _ in feed.frames():
        assert feed.current
        yield feed.current


class TestFile:
    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        write_video(tmp_path / "clip.mp4", [empty_frame()] * 6, uneven_ticks(6))
        return tmp_path / "clip.mp4"

    def test_it_plays_at_its_own_speed(self, clip: Path) -> None:
        told: list[State] = []
        with opened(find_live_source(str(clip)), told) as feed:
            seen = list(arrivals(feed))
        ticks = uneven_ticks(6)
        assert [arrival.frame.time_s for arrival in seen] == [
            float(ticks[one.frame.index] * TIME_BASE) for one in seen
        ]
        for arrival in seen:
            due_s = arrival.frame.time_s - seen[0].frame.time_s
            assert arrival.came_s - seen[0].came_s == pytest.approx(due_s, abs=1e-6)
        assert seen[-1].frame.index == 5
        assert len(seen) + feed.dropped == feed.decoded == 6
        assert [state.condition for state in told] == [Condition.CONNECTING, Condition.LIVE]
        assert feed.info.is_live
        assert feed.info.duration_s is None

    def test_it_waits_until_somebody_looks(self, clip: Path) -> None:
        begin, over = threading.Event(), threading.Event()
        with Feed(find_live_source(str(clip)), lambda _: None, over.is_set, begin) as feed:
            assert feed._newest.take(0.2) is None
            begin.set()
            assert next(arrivals(feed)).frame.time_s == 0
            over.set()

    def test_a_loop_goes_on_with_numbers_and_times(self, clip: Path) -> None:
        with opened(find_live_source(str(clip)), is_looped=True) as feed:
            seen = []
            for arrival in arrivals(feed):
                seen.append(arrival)
                if arrival.connection >= 2:
                    break
        times = [arrival.frame.time_s for arrival in seen]
        assert times == sorted(set(times))
        assert [arrival.frame.index for arrival in seen] == sorted({arrival.frame.index for arrival in seen})

    @pytest.mark.parametrize("is_looped", [False, True])
    def test_one_without_a_frame_ends_it(
        self, clip: Path, monkeypatch: pytest.MonkeyPatch, is_looped: bool
    ) -> None:
        opens: list[int] = []

        def open_empty(_self: object) -> AbstractContextManager[Any]:
            opens.append(1)
            return nullcontext(SimpleNamespace(info=INFO, corruption=None, frames=lambda **_: iter(())))

        source = find_live_source(str(clip))
        monkeypatch.setattr(LiveSource, "open", open_empty)
        with opened(source, is_looped=is_looped) as feed:
            feed._thread.join(10)
            assert not feed._thread.is_alive()
            with pytest.raises(InputError, match="expected frames, but none"):
                next(feed.frames())
        assert len(opens) == 1

    def test_who_is_slow_gets_the_newest(self, clip: Path) -> None:
        with opened(find_live_source(str(clip))) as feed:
            frames = feed.frames()
            next(frames)
            feed._thread.join()  # the whole file has played meanwhile
            assert next(frames).index == 5
            assert feed.dropped == 4
            assert list(frames) == []

    def test_one_that_is_damaged_is_shown_as_far_as_it_goes(self, tmp_path: Path) -> None:
        write_video(tmp_path / "whole.avi", default_frames()[:6], range(0, 6 * 512, 512), codec="mpeg4")
        whole = (tmp_path / "whole.avi").read_bytes()
        (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 2 // 3])
        with opened(find_live_source(str(tmp_path / "cut.avi"))) as feed:
            assert list(arrivals(feed))
            assert feed.corruption


class TestStream:
    @pytest.fixture(autouse=True)
    def _pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feeds, "FIRST_PAUSE_S", 0.01)

    def test_it_connects_again_when_the_stream_stops(self, tmp_path: Path) -> None:
        write_video(tmp_path / "cam.ts", default_frames()[:5], uneven_ticks(5))
        told: list[State] = []
        with web(tmp_path, stopping := threading.Event()) as address:
            stopping.set()  # the line ends with the file
            with opened(find_live_source(f"{address}/live/cam.ts"), told) as feed:
                seen = []
                for arrival in arrivals(feed):
                    seen.append(arrival)
                    if arrival.connection >= 2:
                        break
        times = [arrival.frame.time_s for arrival in seen]
        assert times == sorted(set(times))
        order = [Condition.CONNECTING, Condition.LIVE, Condition.WAITING]
        assert [state.condition for state in told][:8] == [*order, *order, *order[:2]]

    def test_a_playlist_is_played_at_its_own_speed(self, tmp_path: Path) -> None:
        write_video(tmp_path / "part.ts", default_frames(), uneven_ticks(30))
        head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\n"
        (tmp_path / "cam.m3u8").write_text(f"{head}part.ts\n")  # no end is stated, so more may come
        with web(tmp_path, threading.Event()) as address:
            source = find_live_source(f"{address}/cam.m3u8")
            over = threading.Event()
            with Feed(source, lambda _: None, over.is_set, threading.Event()) as feed:
                seen = []
                for arrival in arrivals(feed):
                    seen.append(arrival)
                    if arrival.frame.index >= 8:
                        over.set()
        assert len(seen) > 1
        assert source.comes_in_segments
        for arrival in seen:
            due_s = arrival.frame.time_s - seen[0].frame.time_s
            assert arrival.came_s - seen[0].came_s == pytest.approx(due_s, abs=1e-6)

    def test_pauses_grow_while_nothing_comes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(feeds, "LONGEST_PAUSE_S", 0.05)
        write_video(tmp_path / "cam.ts", default_frames()[:5], uneven_ticks(5))
        told: list[State] = []
        with web(tmp_path, stopping := threading.Event()) as address:
            stopping.set()
            over = threading.Event()

            def tell(state: State) -> None:
                told.append(state)
                if state.condition is Condition.LIVE:
                    (tmp_path / "cam.ts").unlink(missing_ok=True)
                if sum(one.condition is Condition.WAITING for one in told) > 5:
                    over.set()

            source = find_live_source(f"{address}/live/cam.ts")
            with Feed(source, tell, over.is_set, threading.Event()) as feed:
                assert list(arrivals(feed))
        waiting = [state for state in told if state.condition is Condition.WAITING][:5]
        assert [state.pause_s for state in waiting] == [0.01, 0.02, 0.04, 0.05, 0.05]
        assert "404" in waiting[-1].sentence
        assert "secret" not in waiting[-1].sentence

    def test_an_address_where_nothing_ever_was_ends_it(self) -> None:
        with (
            opened(find_live_source("rtsp://127.0.0.1:9/cam")) as feed,
            pytest.raises(InputError, match="cannot be opened"),
        ):
            next(feed.frames())

    def test_an_error_of_the_program_reaches_the_user(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_video(tmp_path / "clip.mp4", [empty_frame()])
        source = find_live_source(str(tmp_path / "clip.mp4"))

        def broken(_self: object) -> AbstractContextManager[Any]:
            raise ZeroDivisionError("made to fail")

        monkeypatch.setattr(LiveSource, "open", broken)
        with opened(source) as feed, pytest.raises(InputError, match="ZeroDivisionError"):
            next(feed.frames())
