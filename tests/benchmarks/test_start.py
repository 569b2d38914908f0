"""When the first row stands, and what comes before."""

from pathlib import Path

import pytest

from benchmarks.pages import start as page
from benchmarks.stamped import ENDS
from benchmarks.start import FIRST_ROW, SHOWN, STARTED, quickest, report, since, start
from fer_client.errors import UsageError
from support.protocol_server import ProtocolServer


def stages(row_s: float, processor_s: float) -> dict[str, dict[str, float]]:
    return {
        STARTED: {"wall_s": row_s / 10, "processor_s": processor_s / 10},
        FIRST_ROW: {"wall_s": row_s, "processor_s": processor_s},
    }


def test_wall_time_counts_from_the_command_on() -> None:
    found = since(stages(105.0, 2.0), 100.0, Path("a.mp4"))
    assert found[FIRST_ROW] == {"wall_s": 5.0, "processor_s": 2.0}


def test_a_run_without_a_row_is_told() -> None:
    with pytest.raises(UsageError, match=r"a\.mp4 gives no row"):
        since({STARTED: {"wall_s": 1.0, "processor_s": 0.0}}, 0.0, Path("a.mp4"))


def test_the_stages_are_those_of_the_run_with_the_soonest_row() -> None:
    best = quickest([stages(3.0, 1.0), stages(2.0, 2.0)])
    assert best[STARTED] == {"wall_s": 0.2, "processor_s": 0.1}
    assert best[FIRST_ROW] == {"wall_s": 2.0, "processor_s": 1.0}


def test_stages_come_in_their_order(face_video: Path, server: ProtocolServer) -> None:
    ended = start(face_video, ["--url", server.url, "--detector", "lumaface"])
    assert {stage for places in ENDS.values() for stage in places.values()} - ended.keys() == {
        "server started"
    }
    assert SHOWN.keys() <= ended.keys()
    times_s = [ended[stage]["wall_s"] for stage in SHOWN]
    assert times_s == sorted(times_s)
    assert times_s[0] > 0


def test_a_failure_is_told_in_the_commands_own_words(tmp_path: Path, server: ProtocolServer) -> None:
    (tmp_path / "no.mp4").write_text("no video")
    with pytest.raises(UsageError, match=r"ended with code 3: fer-client: .*no\.mp4"):
        start(tmp_path / "no.mp4", ["--url", server.url, "--detector", "lumaface"])


ALL_CLOCKS, PROCESSOR_ALONE = "| 2.00 | 1.00 | 4.00 | 3.00 |", "| 1.00 | 3.00 |"


@pytest.mark.parametrize(
    ("load", "taken", "row"),
    [
        (0.1, None, ALL_CLOCKS),
        (9.0, None, PROCESSOR_ALONE),
        (9.0, 0.0, ALL_CLOCKS),
        (0.1, 1.5, PROCESSOR_ALONE),
    ],
)
def test_beside_other_load_the_page_tells_processor_time_alone(
    load: float, taken: float | None, row: str
) -> None:
    busy = {"load_average": load, "cores_taken_by_others": taken}
    machine = {"cores": 2, "processor": "some"}
    record = {
        "video": "a.mp4",
        "cores": 2,
        "conditions": {"machine": machine, "time": "2026-01-01", "commit": "abc"} | busy,
        "starts": {
            "running": {"stages": stages(2.0, 1.0), "runs": [1, 2, 3]},
            "embedded": {"stages": stages(4.0, 3.0), "runs": [1, 2, 3]},
        },
    }
    text = page(record)
    assert f"| the first row stands {row}" in text
    assert "the quickest of 3 runs" in text
    assert "embedded server\n" in report(record)
