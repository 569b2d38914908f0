"""`--sandbox`: tables are the same, and what does not go with it is refused."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client import Analyzer, ArrayVideo, UsageError
from fer_client.pipeline.sandbox.confinement import obstacle
from support.command import Command, Done, assert_fails
from support.heif import write_tiles
from support.protocol_server import ProtocolServer
from support.videos import face_frame, write_picture, write_video

needs_sandbox = pytest.mark.skipif(obstacle() is not None, reason=f"no sandbox here: {obstacle()}")

WITHOUT_LANDLOCK = """
import ctypes, struct, sys
from fer_client.pipeline.sandbox import confinement as c

program = [(c._LOAD, 0, 0, c._NUMBER), (c._JUMP_IF_EQUAL, 0, 1, 444), (c._RETURN, 0, 0, c._RET_ERRNO | 38)]
program += [(c._RETURN, 0, 0, c._RET_ALLOW)]
c._instructions = lambda: program
c._check(c._libc().prctl(38, 1, 0, 0, 0))
c._filter_calls()
from fer_client.__main__ import main
main()
"""
"""A kernel that knows no Landlock, as those before Linux 5.13."""


def tables(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.csv"))}


def both(run: Command, tmp_path: Path, *arguments: object) -> tuple[Done, Done]:
    """Run without a sandbox and with one, and hold the tables against each other."""
    plain, confined = run(*arguments, "-o", "plain"), run(*arguments, "-o", "confined", "--sandbox")
    assert tables(tmp_path / "plain") == tables(tmp_path / "confined")
    return plain, confined


@needs_sandbox
class TestTables:
    """Byte by byte as without it."""

    def test_of_a_video(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        plain, confined = both(run, tmp_path, face_video)
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr
        summaries = [
            json.loads((tmp_path / out / "face" / "summary.json").read_text())
            for out in ("plain", "confined")
        ]
        for summary in summaries:
            assert summary.pop("stage_seconds").keys() >= {"decode", "detect", "crop"}
            del summary["analysed_at"]
        assert summaries[0] == summaries[1]

    def test_of_a_video_whose_header_tells_no_start(self, run: Command, tmp_path: Path) -> None:
        ticks = [64_000 + 512 * number for number in range(60)]
        write_video(tmp_path / "late.asf", [face_frame()] * 60, ticks, codec="mpeg4")
        both(run, tmp_path, tmp_path / "late.asf", "--fps", 0.7, "--duration", 2)
        starts, seconds = zip(
            *(
                (summary["video"]["start_s"], summary["seconds_analysed"])
                for summary in (
                    json.loads((tmp_path / out / "late" / "summary.json").read_text())
                    for out in ("plain", "confined")
                )
            ),
            strict=True,
        )
        assert starts == (5.0, 5.0)
        assert seconds[0] == seconds[1] <= 2

    def test_of_a_part_of_a_video(self, run: Command, face_video: Path, tmp_path: Path) -> None:
        both(run, tmp_path, face_video, "--fps", 10, "--duration", 1, "--workers", 1)

    def test_of_a_folder_of_everything(self, run: Command, photographs: Path, tmp_path: Path) -> None:
        (photographs / "1 cut.jpg").write_bytes((photographs / "10 face.jpg").read_bytes()[:3000])
        if find_spec("pillow_heif"):
            upright = cv2.resize(face_frame(), (512, 384))
            write_tiles(photographs / "12 phone.heic", np.ascontiguousarray(np.rot90(upright)), 128, 3)
        pictures, ticks = [face_frame(4 * index) for index in range(6)], range(0, 3072, 512)
        write_video(photographs / "a.mkv", pictures, ticks, codec="ffv1", pixel_format="yuv422p10le")
        write_video(photographs / "b.webm", pictures, ticks, codec="libvpx-vp9")
        write_video(tmp_path / "c.apng", pictures, ticks, codec="apng", pixel_format="rgb24")
        (tmp_path / "c.apng").rename(photographs / "c.png")
        plain, confined = both(run, tmp_path, photographs)
        assert (plain.returncode, plain.stderr) == (confined.returncode, confined.stderr)
        assert plain.returncode == 3

    def test_of_a_sequence(self, run: Command, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        for number in range(3):
            write_picture(tmp_path / "shots" / f"{number}.png", face_frame(number))
        plain, confined = both(run, tmp_path, "shots", "--sequence-fps", 5)
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr

    def test_of_a_damaged_video(self, run: Command, tmp_path: Path) -> None:
        write_video(tmp_path / "cut.mkv")
        (tmp_path / "cut.mkv").write_bytes((tmp_path / "cut.mkv").read_bytes()[:-2000])
        (tmp_path / "none.mp4").write_bytes(b"no video")
        plain, confined = both(run, tmp_path, "cut.mkv", "none.mp4", "nowhere.mp4")
        assert plain.returncode == confined.returncode == 3
        assert sorted(plain.stderr.splitlines()) == sorted(confined.stderr.splitlines())
        plain, confined = both(run, tmp_path, "cut.mkv", "--partial")
        assert (plain.returncode, confined.returncode) == (0, 0), confined.stderr

    def test_frames_of_a_program_are_decoded_already(self, server: ProtocolServer) -> None:
        video = ArrayVideo(np.stack([face_frame()] * 2), fps=25)
        with Analyzer(url=server.url, detector="lumaface", sandbox=True) as analyzer:
            assert len(analyzer.analyze(video).rows) == 2


class TestRefusals:
    @pytest.mark.parametrize("option", ["--annotate", "--anonymize", "--report", "--low-latency"])
    def test_what_would_decode_outside(self, run: Command, face_video: Path, option: str) -> None:
        assert_fails(run(face_video, "--sandbox", option), 2, "--sandbox", option, "Leave one out")

    @needs_sandbox
    def test_an_address(self, run: Command) -> None:
        assert_fails(run("rtsp://me:secret@camera/1", "--sandbox"), 2, "rtsp://camera/1", "Save it as a file")
        with Analyzer(detector="lumaface", sandbox=True) as analyzer, pytest.raises(UsageError, match="Save"):
            analyzer.records("http://127.0.0.1:9/talk.mp4")

    @needs_sandbox
    def test_a_system_without_it(self, face_video: Path, tmp_path: Path, server: ProtocolServer) -> None:
        arguments = [face_video, "--url", server.url, "--detector", "lumaface", "--sandbox"]
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_LANDLOCK, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert_fails(
            Done(done.returncode, done.stdout, done.stderr), 2, "--sandbox", "no Landlock", "container"
        )
        assert not (tmp_path / "out").exists()
