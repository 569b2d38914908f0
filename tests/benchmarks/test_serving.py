"""What is read of perf_analyzer, and which setting is called the best."""

from pathlib import Path

import pytest

from benchmarks.perf_analyzer import read_report
from benchmarks.serving import best, best_line, set_up, share_of_bare
from fer_server.cli import default_repository

protobuf = pytest.importorskip("google.protobuf.text_format")

REPORT = (
    "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server Compute Input,"
    "Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 latency,p95 latency,p99 latency\n"
    "4,297.265,56,110511,3,219,290552,1276,5,428149,561368,563723,596094\n"
)


def point(rate: float, p95_ms: float, model: str = "fer", share: float = 1.0) -> dict:
    figures = {"faces_per_s": rate, "p95_ms": p95_ms, "offered_share": share}
    return {"model": model, "batch": 32, "concurrency": 4, "shared_memory": False, **figures}


def test_a_report_becomes_faces_a_second_and_milliseconds() -> None:
    figures = read_report(REPORT)
    assert figures["faces_per_s"] == 297.265
    assert figures["p50_ms"] == 428.149
    assert figures["p99_ms"] == 596.094
    assert figures["compute_ms"] == 290.552


def test_the_best_is_the_fastest_of_the_ensemble_within_the_limit() -> None:
    points = [point(900, 120), point(700, 80), point(500, 20), point(5000, 10, "expression")]
    assert best(points, 100) == points[1]
    assert best(points, 5) is None
    assert "700 faces/s" in best_line({"latency_limit_ms": 100, "best": points[1]})
    assert "No setting" in best_line({"latency_limit_ms": 5, "best": None})


def test_the_share_of_the_bare_network_leaves_out_what_others_took() -> None:
    bare = {"fer": {"32": {"faces_per_s": 1000.0, "offered_share": 1.0}}}
    assert share_of_bare(point(900, 1), bare) == pytest.approx(0.9)
    assert share_of_bare(point(450, 1, share=0.5), bare) == pytest.approx(0.9)
    assert share_of_bare(point(900, 1, "expression"), bare) is None


def test_instances_and_batching_are_set_in_the_shipped_configuration() -> None:
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    text = Path(default_repository(), "expression", "config.pbtxt").read_text()
    config = protobuf.Parse(text, ModelConfig())
    set_up(config, 3, batching=True)
    assert [group.count for group in config.instance_group] == [3]
    assert config.HasField("dynamic_batching")
    set_up(config, 1, batching=False)
    assert [group.count for group in config.instance_group] == [1]
    assert not config.HasField("dynamic_batching")
