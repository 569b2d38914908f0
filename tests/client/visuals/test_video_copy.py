"""A copy has the frames, the times and the sound of its source, and nothing else of it."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from fer_client.errors import InputError
from fer_client.media.frame import Frame
from fer_client.media.images import picture_frame
from fer_client.media.yuv import upright_yuv
from fer_client.settings import Settings
from fer_client.visuals.canvas import Canvas
from fer_client.visuals.video_copy import write_video_copy
from fer_client.visuals.video_file import VideoTrack, new_mp4
from support.videos import face_frame, turned, write_video
from support.visuals import frames_of, nothing, request, sound_of

LONG = {
    *("intel_bottle.mp4", "lp_d13.mp4", "lp_d19.mp4", "pyfeat_WolfgangLanger_Pexels.mp4"),
    *("pyfeat_face_noface.mov", "short_hamilton_clip.mp4", "vrt_2.mp4"),
}
"""Copied for 2 s only, so that all clips together take no longer than half a minute on two idle cores."""

CLIPS = (
    *("decord_video_0.mov", "decord_video_90.mov", "intel_asl_book.mkv", "intel_bottle.mp4", "lp_d0.mp4"),
    *("lp_d13.mp4", "lp_d19.mp4", "mmaction2_tests_data_test.avi", "pyfeat_WolfgangLanger_Pexels.mp4"),
    *("pyfeat_face_noface.mov", "pyfeat_no_face.mp4", "pyfeat_single_face.mp4", "short_hamilton_clip.mp4"),
    *("vrt_2.mp4", "vrt_5.mp4"),
)


def draw_nothing(_canvas: Canvas, _frame: Frame, _factor_xy: tuple[float, float]) -> None:
    pass


def copy(path: Path, folder: Path, settings: Settings | None = None) -> Path:
    target = folder / "copy.mp4"
    write_video_copy(request(path, settings=settings), target, nothing, draw_nothing)
    return target


def assert_same_times(copied: Path, source: Path, until_s: float | None = None) -> list[Frame]:
    frames, others = frames_of(copied), frames_of(source)
    others = [frame for frame in others if until_s is None or frame.time_s - others[0].time_s < until_s]
    assert [round(frame.time_s * 1e6) for frame in frames] == [round(frame.time_s * 1e6) for frame in others]
    assert [frame.size_wh for frame in frames] == [frame.size_wh for frame in others]
    return frames


@pytest.mark.parametrize("name", CLIPS)
def test_real_clips_keep_times_and_sound(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "media" / "videos" / name
    until_s = 2.0 if name in LONG else None
    copied = copy(source, tmp_path, Settings(duration_s=until_s))
    frames = assert_same_times(copied, source, until_s)
    sound = sound_of(source)
    if until_s is not None:
        sound = [packet for packet in sound if packet[1] < frames[0].time_s + until_s]
    rounded = [(track, round(time_s * 1e6), data) for track, time_s, data in sound]
    assert [(track, round(time_s * 1e6), data) for track, time_s, data in sound_of(copied)] == rounded


def test_uneven_times_and_a_late_start_stay(tmp_path: Path) -> None:
    source = tmp_path / "late.mp4"
    write_video(
        source, ticks=[7_777 + tick for tick in np.cumsum(np.resize([512, 427, 1024, 300], 30)).tolist()]
    )
    frames = assert_same_times(copy(source, tmp_path), source)
    assert frames[0].time_s > 0.6


@pytest.mark.parametrize("base", [Fraction(1, 1000), Fraction(1001, 30_000)])
def test_coarse_and_broken_time_bases_stay(tmp_path: Path, base: Fraction) -> None:
    source = tmp_path / "clip.mkv"
    write_video(source, ticks=[round(index * 3 * base * 12_800) for index in range(30)])
    assert_same_times(copy(source, tmp_path), source)


def test_odd_sizes_stay(tmp_path: Path) -> None:
    source = tmp_path / "odd.mp4"
    write_video(source, [face_frame()[:121, :175]] * 4, pixel_format="yuv444p", ticks=[0, 512, 1024, 1536])
    frames = assert_same_times(copy(source, tmp_path), source)
    assert frames[0].size_wh == (175, 121)
    assert frames[0].decoded.format.name == "yuv444p"


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    source = tmp_path / "wide.mp4"
    write_video(source, [face_frame()] * 4, ticks=[0, 512, 1024, 1536], pixel_aspect=Fraction(64, 45))
    frames = assert_same_times(copy(source, tmp_path), source)
    assert frames[0].size_wh == (455, 240)
    assert frames[0].pixel_aspect == 1


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (-1, 0, 0, 1)])
def test_turned_and_mirrored_videos_come_out_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    plain, source = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    write_video(plain, [face_frame()] * 4, ticks=[0, 512, 1024, 1536])
    source.write_bytes(turned(plain.read_bytes(), matrix))
    frames = assert_same_times(copy(source, tmp_path), source)
    assert frames[0].orientation.quarter_turns == 0
    assert not frames[0].orientation.is_mirrored
    wanted = frames_of(source)[0].rgb().astype(int)
    assert abs(frames[0].rgb() - wanted).mean() < 3


@pytest.mark.parametrize("color_range", [1, 2])
def test_pictures_and_their_colours_stay(tmp_path: Path, color_range: int) -> None:
    source = tmp_path / "clip.mp4"
    write_video(source, [face_frame()] * 4, ticks=[0, 512, 1024, 1536], color_range=color_range)
    frame, wanted = frames_of(copy(source, tmp_path))[0], frames_of(source)[0]
    assert abs(frame.luma.astype(int) - wanted.luma).mean() < 1.5
    assert frame.is_full_range == wanted.is_full_range == (color_range == 2)


def test_nothing_else_of_the_source_is_in_the_copy(tmp_path: Path) -> None:
    source = tmp_path / "telling.mp4"
    plain = tmp_path / "plain.mp4"
    write_video(plain)
    with av.open(str(plain)) as read, av.open(str(source), "w") as written:
        written.metadata.update(
            {"title": "Jane <Doe>", "location": "+59.3+018.1/", "comment": "phone of Jane"}
        )
        target = written.add_stream_from_template(read.streams.video[0])
        target.metadata["handler_name"] = "camera of Jane"
        sound = written.add_stream("aac", rate=44_100, layout="mono")
        sound.metadata.update({"title": "Jane", "handler_name": "microphone of Jane"})
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.float32), format="fltp", layout="mono")
        wave.sample_rate = 44_100
        written.mux([*sound.encode(wave), *sound.encode()])
        for packet in read.demux(video=0):
            if packet.size:
                packet.stream = target
                written.mux(packet)
    copied = copy(source, tmp_path)
    assert b"Jane" in source.read_bytes()
    with av.open(str(copied)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert set(container.metadata) <= {"encoder", "major_brand", "minor_version", "compatible_brands"}
    assert b"Jane" not in copied.read_bytes()


def test_sound_that_mp4_does_not_take_becomes_aac(tmp_path: Path) -> None:
    source = tmp_path / "pcm.mkv"
    with av.open(str(source), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=44_100, layout="mono")
        for index in range(25):
            picture = av.VideoFrame.from_ndarray(face_frame(), format="bgr24")
            picture.pts = index
            container.mux(video.encode(picture))
        wave = (8000 * np.sin(np.arange(44_100) * 0.06)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate = 44_100
        container.mux([*sound.encode(frame), *sound.encode(), *video.encode()])
    copied = copy(source, tmp_path)
    with av.open(str(copied)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = sum(part.samples for part in container.decode(audio=0))
    assert abs(samples - 44_100) < 2048


def test_the_sound_of_a_transport_stream_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "clip.ts"
    with av.open(str(source), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        sound = container.add_stream("aac", rate=44_100, layout="mono")
        for index in range(25):
            picture = av.VideoFrame.from_ndarray(face_frame(), format="bgr24")
            picture.pts = index
            container.mux(video.encode(picture))
        wave = (0.2 * np.sin(np.arange(44_100) * 0.06)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux([*sound.encode(frame), *sound.encode(), *video.encode()])
    copied = copy(source, tmp_path)
    assert_same_times(copied, source)
    assert [round(time_s, 4) for _, time_s, _ in sound_of(copied)] == [
        round(time_s, 4) for _, time_s, _ in sound_of(source)
    ]
    heard = []
    for path in (source, copied):
        with av.open(str(path)) as container:
            heard.append(np.concatenate([part.to_ndarray() for part in container.decode(audio=0)], axis=1))
    length = min(part.shape[1] for part in heard)
    assert length > 40_000
    assert np.array_equal(heard[0][:, :length], heard[1][:, :length])


def written(path: Path, times_s: list[float]) -> list[float]:
    frames = [picture_frame(index, time_s, face_frame()) for index, time_s in enumerate(times_s)]
    with new_mp4(path) as container:
        video = VideoTrack(container, frames[0], (320, 240), "talk.ts")
        for frame in frames:
            video.add(upright_yuv(frame, (320, 240), VideoReformatter()), frame)
        video.finish()
    return [frame.time_s for frame in frames_of(path)]


def test_a_frame_that_is_late_comes_right_after_the_one_before(tmp_path: Path) -> None:
    assert written(tmp_path / "copy.mp4", [0.0, 0.08, 0.04, 0.12]) == pytest.approx(
        [0, 0.08, 0.080001, 0.12], abs=1e-9
    )


def test_times_that_step_back_far_end_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"talk\.ts: expected times that run forwards, but at 1\.000 s"):
        written(tmp_path / "copy.mp4", [3.0, 3.04, 1.0])


def test_a_source_that_changed_ends_in_a_sentence(tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    write_video(source)
    asked = request(source)
    write_video(source, [face_frame()] * 5)
    with pytest.raises(InputError, match="has changed since"):
        write_video_copy(asked, tmp_path / "copy.mp4", nothing, draw_nothing)
