"""A file's own speed, and one time line over several connections."""

import pytest

from fer_client.live.clocks import LATE_S, Pacer, TimeLine


class TestPacer:
    def test_frames_are_due_by_their_times_from_the_first_on(self) -> None:
        pacer = Pacer()
        assert pacer.due_s(2.0, 100.0) == 100.0
        assert pacer.due_s(2.5, 100.1) == 100.5
        assert pacer.due_s(2.6, 100.7) == pytest.approx(100.6)

    def test_who_is_too_late_goes_on_from_there(self) -> None:
        pacer = Pacer()
        pacer.due_s(0.0, 100.0)
        late_s = 101.0 + LATE_S + 0.01
        assert pacer.due_s(1.0, late_s) == late_s
        assert pacer.due_s(1.5, late_s) == late_s + 0.5


class TestTimeLine:
    def test_the_first_connection_keeps_its_times(self) -> None:
        line = TimeLine()
        line.connect()
        assert [line.place(time_s, came_s) for time_s, came_s in ((5.0, 100.0), (5.2, 100.9))] == [5.0, 5.2]

    def test_the_next_begins_as_much_later_as_the_clock_says(self) -> None:
        line = TimeLine()
        line.connect()
        line.place(5.0, 100.0)
        line.connect()
        assert line.place(0.0, 107.0) == pytest.approx(12.0)
        assert line.place(0.1, 107.3) == pytest.approx(12.1)

    def test_times_never_go_back(self) -> None:
        line = TimeLine()
        line.connect()
        last_s = [line.place(time_s, 100.0) for time_s in (0.0, 60.0)][-1]  # a minute that came at once
        line.connect()
        assert line.place(0.0, 101.0) > last_s
