"""What counts as found again and what as new."""

from benchmarks.agreement import Agreement, compare


def row(frame: int, x: int | None, expression: str = "happy") -> dict[str, str]:
    place = dict.fromkeys("xywh", "") if x is None else {"x": str(x), "y": "0", "w": "40", "h": "40"}
    return {"frame": str(frame), **place, "expression": "" if x is None else expression}


def test_agreement_counts_what_was_found_again_and_what_is_new() -> None:
    reference = [row(0, 0), row(0, 100), row(1, 0), row(2, None), row(3, 0)]
    judged = [row(0, 104), row(0, 3), row(1, 30), row(2, 0), row(3, 0, "sad")]
    found = compare(reference, judged, detections=2)
    assert found == Agreement(faces=4, found=3, expressions=2, extra=2, frames=4, detections=2)
    assert (found + found).shares() == {
        "share_of_faces": 0.75,
        "share_of_expressions": 0.5,
        "share_of_extra_faces": 0.5,
        "share_of_frames_detected": 0.5,
    }
