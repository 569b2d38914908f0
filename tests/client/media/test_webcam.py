"""Cameras: how they are named, and what is said where there is none. FFmpeg's test picture stands in for one."""

from pathlib import Path

import pytest

from fer_client.errors import InputError
from fer_client.media.webcam import camera, open_camera


@pytest.mark.parametrize(
    ("spec", "device"),
    [
        ("0", "/dev/video0"),
        ("12", "/dev/video12"),
        ("/dev/video3", "/dev/video3"),
        ("/dev/v4l/by-id/usb-cam", "/dev/v4l/by-id/usb-cam"),
    ],
)
def test_a_number_or_a_device(spec: str, device: str) -> None:
    found = camera(spec)
    assert found
    assert (found.shown, found.label) == (device, Path(device).name)
    assert found.fingerprint() is None
    assert found.origin is None


@pytest.mark.parametrize("spec", ["0.mp4", "007", "video0", "/dev/null", "", "-1"])
def test_what_is_no_camera(spec: str) -> None:
    assert camera(spec) is None


def test_a_camera_that_is_not_there() -> None:
    missing = camera("99")
    assert missing
    with pytest.raises(InputError, match=r"/dev/video99: expected a camera, .*No such file"):
        missing.check()


def test_a_device_that_plays_is_live() -> None:
    with open_camera(Path("testsrc=size=320x240:rate=30"), driver="lavfi") as video:
        assert video.info.is_live
        video.decode_without_delay()
        frames = video.frames()
        first, second = next(frames), next(frames)
        frames.close()  # type: ignore[attr-defined]
    assert first.size_wh == (320, 240)
    assert second.time_s > first.time_s
