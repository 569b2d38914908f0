"""Files with random damage: each is read, or refused in one sentence."""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import pytest

from fer_client.errors import InputError
from fer_client.media.images import read_picture
from fer_client.media.video import open_video
from support.heif import write_tiles, write_whole
from support.videos import default_frames, face_frame, write_picture, write_video

SEEDS = {
    "clip.avi": lambda path: write_video(path, clip(), codec="mpeg4"),
    "clip.mkv": lambda path: write_video(path, clip()),
    "clip.mp4": lambda path: write_video(path, clip()),
    "face.heic": lambda path: write_whole(path, face()),
    "face.jfif": lambda path: write_picture(path, face(), orientation=6),
    "face.jpg": lambda path: write_picture(path, face(), orientation=6),
    "face.png": lambda path: write_picture(path, face()),
    "face.tif": lambda path: write_picture(path, face()),
    "tiles.heic": lambda path: write_tiles(path, face(), 64),
}
MUTANTS = 12
FOURCCS = (
    b"avc1",
    b"avcC",
    b"hvc1",
    b"stsd",
    b"tkhd",
    b"stts",
    b"FMP4",
    b"strf",
    b"V_MPEG4",
    b"iloc",
    b"IHDR",
)


def clip() -> list:
    return [cv2.resize(frame, (64, 48)) for frame in default_frames()[:8]]


def face() -> cv2.typing.MatLike:
    return cv2.resize(face_frame(), (128, 128))


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 10, 50))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def cut_off(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def spoil_the_head(data: bytearray, rng: random.Random) -> None:
    for _ in range(8):
        data[rng.randrange(min(len(data), 1500))] = rng.randrange(256)


def rename_a_part(data: bytearray, rng: random.Random) -> None:
    for fourcc in rng.sample(FOURCCS, k=len(FOURCCS)):
        if fourcc in data:
            place = data.index(fourcc)
            data[place : place + len(fourcc)] = b"z" * len(fourcc)
            return


DAMAGES: list[Callable[[bytearray, random.Random], None]] = [
    flip_bits,
    cut_off,
    spoil_the_head,
    rename_a_part,
]


@pytest.mark.parametrize("name", SEEDS)
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    SEEDS[name](path)
    whole = path.read_bytes()
    rng = random.Random(name)
    refused = 0
    for number in range(MUTANTS):
        data = bytearray(whole)
        DAMAGES[number % len(DAMAGES)](data, rng)
        path.write_bytes(data)
        refused += not read(path)
    assert refused


def read(path: Path) -> bool:
    """Read in all ways; return whether the file was read whole as a video."""
    with suppress(InputError):
        read_picture(path)
    for allow_corruption in (True, False):
        try:
            with open_video(path) as video:
                for frame in video.frames(allow_corruption):
                    frame.rgb()
        except InputError:
            return False
    return True
