"""A whole live view against the protocol server: pictures with their answers, recordings, and its end."""

import json
import os
import signal
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import ServerError, UsageError
from fer_client.live.view import LiveView
from fer_client.outputs.faces_table import FacesTable
from support.command import Command, read_rows
from support.live import Page, page, plan, show
from support.protocol_server import LABELS, ProtocolServer
from support.videos import default_frames, write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight frames at 25 a second: a face in the first five."""
    path = tmp_path_factory.mktemp("live") / "talk.mp4"
    write_video(path, default_frames()[5:13], range(0, 8 * 512, 512))
    return path


class TestPage:
    def test_it_gets_each_picture_with_its_answers(
        self, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        server.with_affect = True
        seen: list[Page] = []

        def look(address: str) -> None:
            with page(address) as one:
                seen.append(one)
                one.read_until(lambda page: len(page.jpegs) > 4)
                os.kill(os.getpid(), signal.SIGINT)
                for _ in one.read():
                    pass

        ended, _ = show(plan(str(clip), server.url, tmp_path, is_looped=True), look)
        (one,) = seen
        assert one.hello["source"] == "talk.mp4"
        assert [label["name"] for label in one.hello["labels"]] == LABELS
        assert one.hello["may_record"]
        assert 0 <= len(one.pictures) - len(one.jpegs) <= 1
        jpeg = cv2.imdecode(np.frombuffer(one.jpegs[0], np.uint8), cv2.IMREAD_COLOR)
        assert jpeg is not None
        assert jpeg.shape == (240, 320, 3)
        faces = [picture["faces"] for picture in one.pictures]
        (face,) = next(found for found in faces if found)
        assert face["track"] == 1
        assert sum(face["probabilities"]) == pytest.approx(1, abs=0.01)
        assert face["affect"] == [0.25, -0.5]
        assert all(0 <= share <= 1 for share in face["box"])
        numbers = [picture["number"] for picture in one.pictures]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] < ended.decoded
        assert [state["source"]["condition"] for state in one.states][-2:] == ["live", "ended"]
        assert len(one.pictures) - 2 <= len(ended.figures.shown_s) <= len(one.pictures)

    def test_one_that_shows_nothing_gets_two_pictures_and_holds_nobody_up(
        self, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        seen: list[Page] = []

        def look(address: str) -> None:
            with page(address) as slow, page(address) as quick:
                quick.read_until(lambda page: len(page.pictures) > 8)
                os.kill(os.getpid(), signal.SIGINT)
                for _ in slow.read(answers=False):
                    pass
                seen.append(slow)

        ended, _ = show(plan(str(clip), server.url, tmp_path, is_looped=True), look)
        assert len(seen[0].pictures) == 2
        assert ended.figures.analysed > 8

    def test_nothing_queues_up_before_a_slow_analysis(
        self, server: ProtocolServer, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One frame is analysed and one waits; each that came besides was dropped, and is counted."""

        def look(address: str) -> None:
            with page(address) as one:
                one.read_until(lambda page: page.pictures and page.pictures[-1]["dropped"] > 20)
                os.kill(os.getpid(), signal.SIGINT)

        slow = threading.Event()  # never set: each wait of it takes its whole time
        analyse = LiveView._frames
        monkeypatch.setattr(
            LiveView, "_frames", lambda view: (frame for frame in analyse(view) if not slow.wait(0.2))
        )
        ended, _ = show(plan(str(clip), server.url, tmp_path, is_looped=True), look)
        assert 0 <= ended.decoded - ended.dropped - ended.figures.analysed <= 2
        assert ended.dropped > 20

    def test_a_pause_stops_pictures_but_not_the_analysis(
        self, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        seen: list[Page] = []

        def look(address: str) -> None:
            with page(address) as paused, page(address) as other:
                paused.say(type="look", width=320, paused=True)
                other.read_until(lambda page: len(page.pictures) > 8)
                os.kill(os.getpid(), signal.SIGINT)
                for _ in paused.read():
                    pass
                seen.append(paused)

        show(plan(str(clip), server.url, tmp_path, is_looped=True), look)
        assert len(seen[0].pictures) <= 2  # what was on its way
        assert seen[0].states[-1]["source"]["condition"] == "ended"

    @pytest.mark.parametrize(
        "message", ["no JSON", "[]", '{"type": "shown", "number": "7"}', '{"type": "quit"}']
    )
    def test_what_no_page_says_ends_the_connection(
        self, server: ProtocolServer, clip: Path, tmp_path: Path, message: str
    ) -> None:
        codes: list[int | None] = []

        def look(address: str) -> None:
            with page(address) as one:
                one.socket.send(message)
                for _ in one.read(answers=False):
                    pass
                codes.append(one.socket.close_code)

        show(plan(str(clip), server.url, tmp_path), look)
        assert codes == [1003]


class TestRecording:
    def test_it_is_an_ordinary_result(
        self, run: Command, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        ended, finished = show(plan(str(clip), server.url, tmp_path / "out", is_recorded=True))
        ((result, folder),) = finished
        assert folder == tmp_path / "out" / "talk-live"
        assert not ended.failures
        assert run(clip).returncode == 0
        ordinary = tmp_path / "out" / "talk"
        assert {path.name for path in folder.iterdir()} == {path.name for path in ordinary.iterdir()}
        rows, others = read_rows(folder / "faces.csv"), read_rows(ordinary / "faces.csv")
        assert list(rows[0]) == [*others[0], "wall_time"]
        by_frame = {row["frame"]: row for row in others}
        assert rows[0]["frame"] == "0"
        assert len(rows) == ended.figures.analysed
        for row in rows:
            same = ("time_s", "expression", "source")
            assert [row[name] for name in same] == [by_frame[row["frame"]][name] for name in same]
        summary = json.loads((folder / "summary.json").read_text())
        assert summary == result
        assert summary.keys() == json.loads((ordinary / "summary.json").read_text()).keys()
        assert summary["frames_decoded"] == 8
        assert summary["frames_detected"] == summary["frames_analysed"] == len(rows)
        assert summary["video"]["is_live"]
        assert summary["input"] == {"kind": "live", "name": "talk.mp4", "origin": None, "fingerprint": None}

    def test_the_page_starts_and_ends_it(self, server: ProtocolServer, clip: Path, tmp_path: Path) -> None:
        phases: list[str] = []

        def look(address: str) -> None:
            with page(address) as one:
                one.read_until(lambda page: page.pictures)
                one.say(type="record", on=True)
                one.read_until(lambda page: page.states[-1]["recording"]["phase"] == "on")
                count = len(one.pictures)
                one.read_until(lambda page: len(page.pictures) > count + 4)
                one.say(type="record", on=False)
                one.read_until(lambda page: page.states[-1]["recording"]["phase"] == "saved")
                assert f"Saved {tmp_path / 'out' / 'talk-live'}/." in one.states[-1]["recording"]["sentence"]
                phases.extend(state["recording"]["phase"] for state in one.states)
                os.kill(os.getpid(), signal.SIGINT)

        _, finished = show(plan(str(clip), server.url, tmp_path / "out", is_looped=True), look)
        ((result, folder),) = finished
        assert list(dict.fromkeys(phases)) == ["off", "on", "saving", "saved"]
        rows = read_rows(folder / "faces.csv")
        assert rows[0]["frame"] == "0"
        assert 4 <= result["frames_analysed"] < result["frames_decoded"] + 1
        assert 0 < result["seconds_analysed"] < float(rows[-1]["time_s"]) - float(rows[0]["time_s"]) + 1e-6

    def test_ctrl_c_keeps_it_and_each_has_a_folder_of_its_own(
        self, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        def look(address: str) -> None:
            with page(address) as one:
                one.read_until(lambda page: len(page.pictures) > 3)
                os.kill(os.getpid(), signal.SIGINT)

        for name in ("talk-live", "talk-live-2"):
            live = plan(str(clip), server.url, tmp_path, is_looped=True, is_recorded=True)
            _, finished = show(live, look)
            ((result, folder),) = finished
            assert folder.name == name
            assert result["frames_analysed"] == len(read_rows(folder / "faces.csv")) > 0
        assert {path.name for path in tmp_path.iterdir()} == {"talk-live", "talk-live-2"}

    def test_it_is_kept_when_the_server_is_lost(
        self, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        server.fail_after = 4
        with pytest.raises(ServerError):
            show(plan(str(clip), server.url, tmp_path, is_looped=True, is_recorded=True))
        rows = read_rows(tmp_path / "talk-live" / "faces.csv")
        assert len([row for row in rows if row["expression"]]) == 4

    def test_a_disk_that_takes_no_more_fails_the_recording_alone(
        self, server: ProtocolServer, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_self: FacesTable, _frame: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(FacesTable, "add", full)
        ended, finished = show(plan(str(clip), server.url, tmp_path, is_recorded=True))
        (failure,) = ended.failures
        assert isinstance(failure, UsageError)
        assert "No space left" in str(failure)
        assert not finished
        assert not list(tmp_path.iterdir())
        assert ended.figures.analysed == 8 - ended.dropped

    def test_nothing_reuses_it(
        self, run: Command, server: ProtocolServer, clip: Path, tmp_path: Path
    ) -> None:
        show(plan(str(clip), server.url, tmp_path / "out", is_recorded=True))
        done = run(clip, "--low-latency")
        assert done.returncode == 0
        assert "done before" not in done.stdout
        assert (tmp_path / "out" / "talk" / "faces.csv").is_file()


def test_what_lasts_over_a_loop_is_averaged_and_told_for_each_pass(
    server: ProtocolServer, tmp_path: Path
) -> None:
    write_video(tmp_path / "face.mp4", default_frames()[5:9], range(0, 4 * 512, 512))

    def look(address: str) -> None:
        with page(address) as one:
            one.read_until(lambda page: len({picture["connection"] for picture in page.pictures}) > 2)
            os.kill(os.getpid(), signal.SIGINT)

    live = plan(
        str(tmp_path / "face.mp4"),
        server.url,
        tmp_path,
        is_looped=True,
        is_recorded=True,
        settings={"min_episode_s": 0.0},
    )
    _, ((_, folder),) = show(live, look)
    episodes = read_rows(folder / "episodes.csv")
    assert len(episodes) >= 3
    assert max(float(episode["duration_s"]) for episode in episodes) < 2 * 0.16  # no longer than a pass
    starts = [float(episode["start_s"]) for episode in episodes]
    assert starts == sorted(set(starts))
