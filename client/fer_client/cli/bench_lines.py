"""The figures of `fer-client bench`, the videos side by side."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from rich import box
from rich.table import Table

from fer_client.printable import counted, printable

_LABEL_WIDTH = 34
_COLUMN_WIDTH = 16

_Cell = Callable[[Mapping[str, Any], Mapping[str, Any]], object]


def _stage(name: str) -> _Cell:
    return lambda _video, figures: figures["stages_s"].get(name)


_ROWS: tuple[tuple[str, str, _Cell], ...] = (
    ("size, MB", ".1f", lambda video, _: video["video"]["megabytes"]),
    ("length, s", ".2f", lambda video, _: video["video"]["duration_s"]),
    ("processing, s", ".2f", lambda _, figures: figures["processing_s"]),
    ("  predictions, s", ".2f", lambda _, figures: figures["predictions_s"]),
    ("  video preparation, s", ".2f", lambda _, figures: figures["preparation_s"]),
    ("times as fast as it plays", ".1f", lambda _, figures: figures["real_time"]),
    ("frames per second", ".0f", lambda _, figures: figures["frames_per_s"]),
    ("frame to row, ms: median", ".0f", lambda _, figures: figures["frame_ms"]["p50"]),
    ("  95 %", ".0f", lambda _, figures: figures["frame_ms"]["p95"]),
    ("  99 %", ".0f", lambda _, figures: figures["frame_ms"]["p99"]),
    ("processor time, s", ".2f", lambda _, figures: figures["processor_s"]),
    ("most memory, MB", ".0f", lambda _, figures: figures["peak_mb"]),
    ("  of the server's processes, MB", ".0f", lambda _, figures: figures["server_peak_mb"]),
    ("decoding, s", ".2f", _stage("decode")),
    ("detecting, s of all threads", ".2f", _stage("detect")),
    ("cropping, s of all threads", ".2f", _stage("crop")),
    ("waiting for the server, s", ".2f", _stage("wait_for_server")),
    ("frames", ".0f", lambda video, _: video["frames"]),
    ("faces", ".0f", lambda video, _: video["faces"]),
)
"""What is shown of a video: words, format, and where it stands in its record and the medians of its runs."""


def table(record: Mapping[str, Any], width: int) -> Iterator[Table | str]:
    """Lay the record of `fer_client.bench.benching` out, as many videos side by side as fit into the width."""
    abreast = max(1, (width - _LABEL_WIDTH) // _COLUMN_WIDTH)
    videos = iter(record["videos"])
    while some := list(islice(videos, abreast)):
        shown = Table(box=box.SIMPLE_HEAD)
        shown.add_column("")
        for video in some:
            size = f"{video['video']['width']}×{video['video']['height']}"
            shown.add_column(f"{printable(video['video']['name'])}\n{size}", justify="right", overflow="fold")
        for words, spec, cell in _ROWS:
            values = [cell(video, video["figures"]) for video in some]
            shown.add_row(words, *("–" if value is None else format(value, spec) for value in values))
        yield shown
    yield _explanation(record)


def _explanation(record: Mapping[str, Any]) -> str:
    both = all(video["tells_intensity"] for video in record["videos"])
    network = "One network tells categories and intensity." if both else "The server tells categories alone."
    machine, command = record["conditions"]["machine"], record["command"]
    return (
        f"{network} Starting took {record['start_s']:.2f} s once, the server's start included where this command "
        f"started it.\nMedians of {counted(command['runs'], 'run')} with {record['detector']} on "
        f"{counted(machine['cores'], 'core')} ({machine['processor']}); load average before: "
        f"{record['conditions']['load_average']}."
    )
