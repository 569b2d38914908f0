"""The small copy of a video: its times, its size, its sound."""

import io
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import av
import numpy as np
import pytest

from fer_client.media.sound import Sound
from fer_client.media.sources import video_file
from fer_client.media.video import open_video
from fer_client.visuals import reduced_copy as module
from fer_client.visuals.reduced_copy import TooLarge, reduced_copy, reduced_size
from support.videos import write_sound, write_video


def copied(path: Path, sound_of: Path | None = None) -> tuple[bytes, list[float]]:
    with open_video(path) as video:
        frames = [(frame.time_s, frame.rgb()[..., ::-1]) for frame in video.frames()]
    start_s = frames[0][0]
    opened = nullcontext(Sound()) if sound_of is None else video_file(sound_of).open_sound()
    with opened as sound, reduced_copy(start_s, frames[0][1].shape[1::-1], sound) as copy:
        for time_s, bgr in frames:
            if copy.wants(time_s):
                copy.add(time_s, np.ascontiguousarray(bgr))
        return copy.finish(frames[-1][0] + 0.04), [time_s - start_s for time_s, _ in frames]


def test_frames_keep_their_times(face_video: Path) -> None:
    data, times = copied(face_video)
    with av.open(io.BytesIO(data)) as container:
        shown = [float(frame.time) for frame in container.decode(video=0)]
    wanted = [times[0]]
    for time_s in times[1:]:
        if time_s - wanted[-1] >= 1 / 31:
            wanted.append(time_s)
    assert shown == pytest.approx(wanted, abs=1 / 90_000)


def test_sound_is_there_and_as_long(tmp_path: Path, face_video: Path) -> None:
    sound = tmp_path / "sound.m4a"
    write_sound(sound)
    data, times = copied(face_video, sound)
    with av.open(io.BytesIO(data)) as container:
        (stream,) = container.streams.audio
        heard = list(container.decode(audio=0))
    assert stream.codec_context.name == "aac"
    assert float(heard[-1].time) == pytest.approx(min(1.0, times[-1]), abs=0.1)
    assert max(np.abs(frame.to_ndarray()).max() for frame in heard) > 0.05


def test_a_file_without_sound_gives_none(face_video: Path) -> None:
    data, _ = copied(face_video, face_video)
    with av.open(io.BytesIO(data)) as container:
        assert not container.streams.audio


@pytest.mark.parametrize(
    ("size", "reduced"),
    [((1920, 1080), (854, 480)), ((320, 240), (320, 240)), ((1080, 1920), (270, 480)), ((7, 5), (8, 4))],
)
def test_the_copy_is_even_and_not_enlarged(size: tuple[int, int], reduced: tuple[int, int]) -> None:
    assert reduced_size(size) == reduced


def test_a_copy_that_becomes_too_large_stops(face_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", -1)
    with pytest.raises(TooLarge):
        copied(face_video)


@pytest.mark.parametrize("error", [TooLarge, RuntimeError])
def test_a_copy_that_is_given_up_is_closed(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = av.open

    def remembering(*arguments: Any, **options: Any) -> Any:
        opened.append(MagicMock(wraps=real(*arguments, **options)))
        return opened[-1]

    monkeypatch.setattr(module.av, "open", remembering)
    with pytest.raises(error), reduced_copy(0.0, (64, 48), Sound()) as copy:
        copy.add(0.0, np.zeros((48, 64, 3), np.uint8))
        raise error
    assert opened[0].close.called


def test_uneven_sizes_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    frames = [np.full((35, 51, 3), 90, np.uint8)] * 5
    write_video(path, frames, codec="ffv1", pixel_format="yuv444p")
    assert copied(path)[0]
