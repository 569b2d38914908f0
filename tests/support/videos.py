"""Videos that tests make for themselves, with a real face from Matplotlib's sample pictures (US Navy)."""

import importlib.util
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

X265_OPTIONS = {"x265-params": "ctu=16:bframes=0:log-level=none"}
"""x265 refuses an encoder while another with other coding tree units is open, be it only not yet collected; and of a
stream shorter than its delay it leaves the decoding time as it finds it in memory, unless frames stay in order."""

TIME_BASE = Fraction(1, 12_800)
SIZE_WH = (320, 240)


def portrait() -> NDArray[np.uint8]:
    """Grace Hopper, uint8 [600, 512, 3] BGR; the face spans about x 160 to 370, y 90 to 330."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def face_frame(shift: int = 0) -> NDArray[np.uint8]:
    """The portrait in a 320×240 frame, moved right by `shift` pixels."""
    frame = np.full((240, 320, 3), 120, np.uint8)
    small = cv2.resize(portrait(), (205, 240), interpolation=cv2.INTER_AREA)
    frame[:, 40 + shift : 245 + shift] = small
    return frame


def empty_frame() -> NDArray[np.uint8]:
    """A faceless frame: a slope of light."""
    row = np.linspace(30, 220, 320).astype(np.uint8)
    return np.repeat(np.tile(row, (240, 1))[:, :, None], 3, axis=2)


def default_frames() -> list[NDArray[np.uint8]]:
    """10 frames with a face that moves, 10 without, 10 with."""
    faces = [face_frame(2 * index) for index in range(20)]
    return [*faces[:10], *[empty_frame()] * 10, *faces[10:]]


def uneven_ticks(count: int) -> list[int]:
    """Presentation times in ticks of TIME_BASE, with steps that differ: a variable frame rate."""
    steps = np.array([512, 427, 1024, 300])
    return [0, *np.cumsum(np.resize(steps, count - 1)).tolist()]


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]] | None = None,
    ticks: Sequence[int] | None = None,
    codec: str = "libx264",
    gop: int = 12,
    pixel_format: str = "yuv420p",
    pixel_aspect: Fraction | None = None,
    color_range: int = 0,
    last_ticks: int | None = None,
) -> list[float]:
    """Encode frames at the given ticks and return their times in seconds; the last packet lasts `last_ticks`."""
    frames = default_frames() if frames is None else frames
    ticks = uneven_ticks(len(frames)) if ticks is None else ticks
    with av.open(str(path), "w") as container:
        options = {"crf": "18", "g": str(gop)} | (X265_OPTIONS if codec == "libx265" else {})
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.codec_context.color_range = color_range
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.codec_context.time_base = TIME_BASE
        stream.time_base = TIME_BASE
        for frame, tick in zip(frames, ticks, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            picture.pts, picture.time_base = tick, TIME_BASE
            container.mux(stream.encode(picture))
        packets = stream.encode()
        if last_ticks is not None:
            packets[-1].duration = last_ticks
        container.mux(packets)
    return [float(tick * TIME_BASE) for tick in ticks]


def turned(mp4: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """Write [a b; c d] into an MP4's track header; a stored point (x, y) is shown at (a x + c y, b x + d y)."""
    data = bytearray(mp4)
    place = data.index(struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), data.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 20] = struct.pack(">5i", a, b, 0, c, d)
    return bytes(data)


def stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn and mirror a picture, [height, width, 3], so that an EXIF orientation of 1 to 8 makes it upright."""
    turns = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(turns[orientation])


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """Put an EXIF orientation (TIFF 6.0, tag 274) into a JPEG."""
    tag = struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + tag
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def write_picture(path: Path, bgr: NDArray[np.uint8], orientation: int | None = None) -> None:
    """Write a picture, as JPEG with an EXIF orientation where one is given."""
    data = cv2.imencode(".jpg" if orientation else path.suffix, bgr)[1].tobytes()
    path.write_bytes(with_exif(data, orientation) if orientation else data)


def write_sound(path: Path) -> None:
    """A tone without pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        wave = (8000 * np.sin(np.arange(44_100) * 0.06)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate = 44_100
        for packet in stream.encode(frame):
            container.mux(packet)
        container.mux(stream.encode())
