"""One item between two threads: the newest."""

from fer_client.live.newest import Newest


def test_a_newer_item_takes_the_place_of_one_that_nobody_took() -> None:
    place: Newest[int] = Newest()
    for item in (1, 2, 3):
        place.put(item)
    assert place.take(0) == 3
    assert place.take(0) is None
    assert place.dropped == 2


def test_what_was_taken_was_not_dropped() -> None:
    place: Newest[int] = Newest()
    for item in (1, 2):
        place.put(item)
        assert place.take(0) == item
    assert place.dropped == 0
