"""What Python itself does for a frame, counted in calls, which are the same on every machine."""

import sys
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import fer_client
from fer_client.faces.detection import choose_detector
from fer_client.media.sources import video_file
from fer_client.outputs.result import write_result
from fer_client.pipeline.context import open_job
from fer_client.pipeline.interruption import Interruption
from fer_client.settings import Settings
from support.protocol_server import ProtocolServer
from support.videos import face_frame, write_video

MOST_PER_FRAME = 265
"""A quarter more than what was counted when this was written. Python takes about a quarter of a run's processor time: a
loop over faces or pixels that comes into the way of every frame shows here before it does in seconds."""

PACKAGE = str(Path(fer_client.__file__).parent)


def test_a_frame_costs_no_more_calls_than_it_did(tmp_path: Path, server: ProtocolServer) -> None:
    short, long = (calls(tmp_path / f"{count}.mp4", count, server) for count in (20, 60))
    per_frame = (long.total() - short.total()) / 40
    most = {f"{code.co_filename.removeprefix(PACKAGE)}:{code.co_name}": n for code, n in long.most_common(15)}
    assert per_frame < MOST_PER_FRAME, most


def calls(path: Path, frames: int, server: ProtocolServer) -> Counter[CodeType]:
    """Count the calls of the client's functions, in all threads, while a video with a face is analysed."""
    counted: Counter[CodeType] = Counter()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            counted[frame.f_code] += 1

    write_video(path, [face_frame(index % 20) for index in range(frames)])
    settings = Settings(detection_workers=1)
    with open_job(settings, choose_detector("lumaface", None, 0.7), server.url, print, Interruption()) as job:
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            write_result(video_file(path), path.with_suffix(""), job, lambda _: None)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    return counted
