"""Write one frame of a video as a PNG of 256 colours, which keeps a picture for the docs small.

python -m benchmarks.still out/sample/annotated.mp4 8.4 docs/annotated.png
"""

import argparse
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.filter import Graph


def write_still(video: Path, time_s: float, out: Path) -> None:
    """Write the first frame at or after a presentation time, in colours chosen for it. Ends with a sentence else."""
    with av.open(str(video)) as container:
        frames = container.decode(video=0)
        frame = next((frame for frame in frames if frame.time is not None and frame.time >= time_s), None)
    if frame is None:
        raise SystemExit(f"{video}: expected a frame at or after {time_s:g} s, but it ends before.")
    out.write_bytes(_png(_in_few_colours(frame.reformat(format="rgb24"))))


def _in_few_colours(frame: av.VideoFrame) -> av.VideoFrame:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1)
    )
    split, palette = graph.add("split"), graph.add("palettegen")
    use, sink = graph.add("paletteuse", "dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    frame.pts, frame.time_base = 0, Fraction(1, 1)
    source.push(frame)
    source.push(None)
    return cast(av.VideoFrame, sink.pull())


def _png(frame: av.VideoFrame) -> bytes:
    coder = av.CodecContext.create("png", "w")
    coder.width, coder.height, coder.pix_fmt = frame.width, frame.height, frame.format.name
    coder.time_base = Fraction(1, 1)
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])


def main() -> None:
    """Parse the arguments and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("time_s", type=float, help="seconds of presentation time")
    parser.add_argument("out", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    write_still(arguments.video, arguments.time_s, arguments.out)


if __name__ == "__main__":
    main()
