"""The printed table never outgrows the terminal."""

import io
from typing import Any

from rich.console import Console

from fer_client.cli.bench_lines import table


def video(name: str) -> dict[str, Any]:
    figures = {
        **dict.fromkeys(("processing_s", "predictions_s", "real_time", "frames_per_s", "processor_s"), 1.0),
        **dict.fromkeys(("preparation_s", "peak_mb", "server_peak_mb")),
        "frame_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0},
        "stages_s": {"decode": 0.5},
    }
    shown = {"name": name, "megabytes": 1.0, "duration_s": None, "width": 640, "height": 360}
    return {"video": shown, "frames": 9, "faces": 0, "tells_intensity": True, "figures": figures}


def test_many_videos_stand_in_several_tables() -> None:
    record = {
        "videos": [video(f"clip number {number}.mp4") for number in range(5)],
        "conditions": {"machine": {"cores": 2, "processor": "some"}, "load_average": None},
        "command": {"runs": 1},
        "start_s": 1.0,
        "detector": "YuNet",
    }
    console = Console(width=80, record=True, file=io.StringIO())
    parts = list(table(record, console.width))
    assert len(parts) == 4
    for part in parts:
        console.print(part)
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    for number in range(5):
        assert f"number {number}" in " ".join(text.split())
    assert "One network tells categories and intensity." in text
