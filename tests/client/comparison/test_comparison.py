"""Two results compared: the numbers are those of their summaries, and what means nothing is refused."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.comparison.comparison import TOO_SHORT, Comparison, compare
from fer_client.comparison.sides import Side, read_side
from fer_client.errors import UsageError
from fer_client.temporal.durations import timed_at_once
from fer_client.temporal.frame import AnalysedFrame
from support.made_results import LABELS, Faces, made_frame, sure_of, write_result

FPS = 10


def drawn(labels: str, seconds: int, face: int | None = 1, probability: float = 0.85) -> list[Faces]:
    """A face's answers at FPS frames a second: one of the labels drawn anew every second, each as often."""
    names = labels.split() * (seconds // len(labels.split()) + 1)
    order = np.random.default_rng(seconds).permutation(names[:seconds])
    return [{face: sure_of(str(order[place // FPS]), probability)} for place in range(seconds * FPS)]


def result(folder: Path, answers: list[Faces], **changes: Any) -> Path:
    frames = [made_frame(place, 3 + place / FPS, faces) for place, faces in enumerate(answers)]
    return write_result(folder, frames, **changes)


def sides(*specs: object) -> tuple[Side, Side]:
    first, second = (read_side(str(spec), Path("out")) for spec in specs)
    return first, second


def by_label(comparison: Comparison, kind: str = "share") -> dict[str, Any]:
    return {row.quantity.label: row for row in comparison.differences if row.quantity.kind == kind}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return result(tmp_path / "before", drawn("neutral sad neutral happy", 60), name="before.mp4")


@pytest.fixture
def after(tmp_path: Path) -> Path:
    return result(tmp_path / "after", drawn("happy happy happy neutral", 60), name="after.mp4")


def test_a_known_difference_is_found(before: Path, after: Path) -> None:
    shares = by_label(compare(*sides(before, after)))
    assert shares["happy"].a == pytest.approx(0.25)
    assert shares["happy"].b == pytest.approx(0.75)
    assert shares["happy"].difference == pytest.approx(0.5)
    assert shares["happy"].low < 0.5 < shares["happy"].high
    assert shares["happy"].finding == "more in B"
    assert shares["angry"].finding == "no clear difference"


def test_the_other_way_round_is_the_opposite(before: Path, after: Path) -> None:
    there, back = by_label(compare(*sides(before, after))), by_label(compare(*sides(after, before)))
    for label in LABELS:
        assert back[label].difference == pytest.approx(-there[label].difference)
    assert back["happy"].finding == "less in B"


@pytest.mark.parametrize("face", [None, 2])
def test_the_numbers_are_those_of_the_summary(tmp_path: Path, face: int | None) -> None:
    first = drawn("neutral sad happy", 20)
    second = drawn("angry happy", 20, face=2, probability=0.45)
    answers = [first[place] | (second[place] if place % 7 < 5 else {}) for place in range(len(first))]
    folder = result(tmp_path / "both", [*answers, {}, {}])
    other = result(tmp_path / "other", drawn("sad", 20))
    comparison = compare(*sides(folder if face is None else f"{folder}:{face}", other))
    summary = comparison.sides[0].result.summary
    part = summary["overall"] if face is None else summary["tracks"][1]
    assert {label: row.a for label, row in by_label(comparison).items()} == pytest.approx(
        part["share"], abs=1e-6
    )
    means = {label: row.a for label, row in by_label(comparison, "mean_probability").items()}
    assert means == pytest.approx(part["mean_probability"], abs=1e-6)
    assert part["share"]["uncertain"] > 0
    assert comparison.seen_s[0] == pytest.approx(20 if face is None else 20 * 5 / 7, abs=0.3)


def live(folder: Path, seconds: list[tuple[str, float]], new_connections: set[int]) -> Path:
    """A live recording: an expression from each of these seconds on for 20 s; at some a new connection begins."""
    parts = [
        [
            made_frame(20 * FPS * part + place, start_s + place / FPS, {1: sure_of(label)})
            for place in range(20 * FPS)
        ]
        for part, (label, start_s) in enumerate(seconds)
    ]

    def time(_frames: Iterable[AnalysedFrame]) -> Iterator[AnalysedFrame]:
        connections: list[list[AnalysedFrame]] = []
        for number, part in enumerate(parts):
            if number in new_connections or not connections:
                connections.append([])
            connections[-1] += part
        for connection in connections:
            yield from timed_at_once(connection)

    frames = [frame for part in parts for frame in part]
    return write_result(folder, frames, name=folder.name, time=time, settings={"low_latency": True})


@pytest.mark.parametrize(
    ("seconds", "new_connections"),
    [
        ([("happy", 0), ("sad", 80)], {1}),
        ([("happy", 0), ("sad", 80)], set()),  # the stream stood still, and the summary counts that time
        ([("happy", 0), ("sad", 23), ("neutral", 103), ("happy", 124)], {2, 3}),
    ],
)
def test_an_outage_counts_as_in_the_summary(
    tmp_path: Path, after: Path, seconds: list[tuple[str, float]], new_connections: set[int]
) -> None:
    comparison = compare(*sides(live(tmp_path / "cam", seconds, new_connections), after))
    summary = comparison.sides[0].result.summary
    shares = {label: row.a for label, row in by_label(comparison).items()}
    assert shares == pytest.approx(summary["overall"]["share"], abs=1e-5)
    means = {label: row.a for label, row in by_label(comparison, "mean_probability").items()}
    assert means == pytest.approx(summary["overall"]["mean_probability"], abs=1e-5)
    assert comparison.seen_s[0] == pytest.approx(summary["overall"]["face_seconds"], abs=1e-3)
    assert not any("summary.json" in note for note in comparison.notes)


def test_times_that_do_not_add_up_are_told(before: Path, after: Path) -> None:
    path = before / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds_analysed": 30.0}))
    (note,) = compare(*sides(before, after)).notes
    assert note.startswith("A: the frames' times come to 59.9 s, but summary.json says 30.0 s")


def test_valence_and_arousal_are_compared_where_both_have_them(tmp_path: Path, before: Path) -> None:
    answers = drawn("happy neutral", 30)
    folders = []
    for name, sign in (("calm", -1), ("lively", 1)):
        frames = [
            made_frame(place, place / FPS, faces, (0.2 * math.sin(place), sign * 0.4))
            for place, faces in enumerate(answers)
        ]
        folders.append(write_result(tmp_path / name, frames, name=name))
    rows = {row.quantity.kind: row for row in compare(*sides(*folders)).differences}
    assert rows["mean_arousal"].difference == pytest.approx(0.8)
    assert rows["mean_arousal"].finding == "more in B"
    assert rows["mean_valence"].finding == "no clear difference"
    without = {row.quantity.kind for row in compare(*sides(folders[0], before)).differences}
    assert without == {"share", "mean_probability"}


def test_a_short_clip_is_told_to_be_short(tmp_path: Path, after: Path) -> None:
    short = result(tmp_path / "short", drawn("happy neutral", 5), name="short.mp4")
    comparison = compare(*sides(short, after))
    assert comparison.is_too_short
    assert {row.finding for row in comparison.differences} == {TOO_SHORT}
    assert all(row.low is None for row in comparison.differences)


def test_two_speakers_of_one_recording_are_resampled_together(tmp_path: Path) -> None:
    first, second = drawn("neutral happy", 60), drawn("sad happy", 60, face=2)
    folder = result(tmp_path / "talk", [a | b for a, b in zip(first, second, strict=True)])
    comparison = compare(*sides(f"{folder}:1", f"{folder}:2"))
    assert comparison.is_paired
    shares = by_label(comparison)
    assert shares["happy"].difference == pytest.approx(0)
    assert shares["sad"].finding == "more in B"


def test_photographs_count_faces(tmp_path: Path) -> None:
    folders = []
    for name, labels in (("party", "happy happy happy neutral"), ("office", "neutral neutral neutral sad")):
        faces = [sure_of(label) for label in labels.split() * 8]
        frames = [made_frame(place, 0.0, {None: face}) for place, face in enumerate(faces)]
        folders.append(write_result(tmp_path / name, frames, name=name, kind="photographs"))
    comparison = compare(*sides(*folders))
    assert comparison.blocks == (32, 32)
    assert comparison.timelines is None
    assert by_label(comparison)["happy"].finding == "less in B"


def test_timelines_begin_at_the_first_frame_and_are_empty_without_a_face(tmp_path: Path, after: Path) -> None:
    answers: list[Faces] = [{1: sure_of("happy")} for _ in range(40)]
    answers[10:20] = [{}] * 10
    gap = result(tmp_path / "gap", answers, name="gap.mp4")
    timeline = (compare(*sides(gap, after)).timelines or ())[0]
    assert timeline.starts_s[0] == 0
    assert timeline.duration_s == pytest.approx(4, abs=0.01)
    is_empty = [math.isnan(value) for value in timeline.probabilities[:, 0]]
    assert is_empty == [10 <= place < 20 for place in range(40)]
    assert timeline.probabilities[0, LABELS.index("happy")] == pytest.approx(0.85)


def test_long_timelines_are_averaged(tmp_path: Path, after: Path) -> None:
    long = result(tmp_path / "long", drawn("happy neutral", 250), name="long.mp4")
    first, second = compare(*sides(long, after)).timelines or ()
    assert len(first.starts_s) == pytest.approx(1000, abs=2)
    assert len(second.starts_s) == 600
    assert first.probabilities.sum(axis=1) == pytest.approx(1)


def test_what_else_may_lie_behind_a_difference_is_told(tmp_path: Path, before: Path) -> None:
    answers = drawn("happy", 20)
    other = result(
        tmp_path / "other",
        answers,
        models={"detector": "Haar", "client": "0.2.0"},
        settings={"smooth_s": 0.0},
        warnings=["OpenCV's Haar found the faces."],
        min_confidence=0.3,
    )
    comparison = compare(*sides(before, other))
    words = " ".join(comparison.notes)
    for part in (
        "YuNet in A, Haar in B",
        "0.1.0 and 0.2.0",
        "smooth_s is 0.5 in A and 0.0 in B",
        "B: OpenCV's Haar",
    ):
        assert part in words
    assert "min_confidence is 0.5 in A and 0.3 in B" in words
    assert not compare(*sides(before, result(tmp_path / "same", answers, name="same.mp4"))).notes


def test_the_same_recording_twice_is_told(tmp_path: Path, before: Path) -> None:
    again = result(tmp_path / "again", drawn("happy", 20), name="before.mp4")
    assert compare(*sides(before, again)).notes == ("Both results are of the same recording.",)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"answers": [[0.3, 0.2, 0.1, 0.4], [0.4, 0.3, 0.2, 0.1]]}, "of one network"),
        ({"answers": None, "network": "another"}, "of one network"),
    ],
)
def test_two_networks_are_refused(tmp_path: Path, before: Path, models: dict[str, Any], words: str) -> None:
    other = result(tmp_path / "other", drawn("happy", 20), models=models)
    with pytest.raises(UsageError, match=words):
        compare(*sides(before, other))


def test_the_same_network_on_another_processor_is_none(tmp_path: Path, before: Path) -> None:
    near = {"answers": [[0.1001, 0.2, 0.2999, 0.4], [0.4, 0.3, 0.2, 0.1]]}
    compare(*sides(before, result(tmp_path / "other", drawn("happy", 20), models=near)))


def test_other_labels_are_refused(tmp_path: Path, before: Path) -> None:
    frames = [made_frame(place, place / FPS, {1: [0.6, 0.4]}) for place in range(50)]
    other = write_result(tmp_path / "other", frames, labels=("calm", "lively"))
    with pytest.raises(UsageError, match=r"same expressions, .* calm, lively"):
        compare(*sides(before, other))


def test_photographs_and_time_are_refused(tmp_path: Path, before: Path) -> None:
    frames = [made_frame(place, 0.0, {None: sure_of("happy")}) for place in range(9)]
    photographs = write_result(tmp_path / "photographs", frames, kind="photographs")
    with pytest.raises(UsageError, match="one of the results is of photographs"):
        compare(*sides(before, photographs))


@pytest.mark.parametrize(("first", "second"), [("", ""), (":1", ":1"), ("", ":1")])
def test_one_side_twice_is_refused(before: Path, first: str, second: str) -> None:
    with pytest.raises(UsageError, match="two results, or two faces of one"):
        compare(*sides(f"{before}{first}", f"{before}{second}"))
