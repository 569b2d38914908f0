"""Stages that overlap keep their order and their bounds."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from fer_client.pipeline.concurrency import MemoryBudget, ordered_map, prefetch


class TestConcurrency:
    def test_order_holds_and_errors_arrive_in_their_place(self) -> None:
        def items() -> Iterator[int]:
            yield from range(20)
            raise KeyError("after 19")

        with ThreadPoolExecutor(4) as pool:
            doubled = ordered_map(lambda value: value * 2, prefetch(items(), 3), pool, depth=8)
            assert [next(doubled) for _ in range(12)] == list(range(0, 24, 2))
            with pytest.raises(KeyError, match="after 19"):
                list(doubled)

    def test_prefetch_stays_within_its_depth_and_ends_when_closed(self) -> None:
        taken = []

        def items() -> Iterator[int]:
            for value in range(1000):
                taken.append(value)
                yield value

        ahead = prefetch(items(), 4)
        assert next(ahead) == 0
        ahead.close()
        assert len(taken) <= 4 + 4
        assert "prefetch" not in [thread.name for thread in threading.enumerate()]

    def test_mapping_keeps_a_bounded_number_under_way(self) -> None:
        taken = 0

        def items() -> Iterator[int]:
            nonlocal taken
            for value in range(100):
                taken += 1
                yield value

        with ThreadPoolExecutor(2) as pool:
            for index, value in enumerate(ordered_map(lambda value: value, items(), pool, depth=5)):
                assert value == index
                assert taken <= index + 5

    def test_mapping_passes_a_result_on_as_soon_as_it_is_there(self) -> None:
        taken = 0
        second_began = threading.Event()  # with one worker, the first is done then

        def items() -> Iterator[int]:
            nonlocal taken
            for value in range(100):
                if value == 2:
                    assert second_began.wait(10)
                taken += 1
                yield value

        def see(value: int) -> int:
            if value == 1:
                second_began.set()
            return value

        with ThreadPoolExecutor(1) as pool, closing(ordered_map(see, items(), pool, depth=50)) as results:
            assert next(results) == 0
            assert taken <= 3


class TestMemoryBudget:
    def test_a_thread_waits_until_there_is_room(self) -> None:
        budget, entered = MemoryBudget(100), threading.Event()

        def take() -> None:
            with budget.holding(40):
                entered.set()

        with budget.holding(40), budget.holding(40):
            third = threading.Thread(target=take)
            third.start()
            assert not entered.wait(timeout=0.05)
        third.join(timeout=5)
        assert entered.is_set()

    def test_what_is_larger_than_the_budget_goes_by_itself(self) -> None:
        budget, entered = MemoryBudget(100), threading.Event()

        def take() -> None:
            with budget.holding(1):
                entered.set()

        with budget.holding(1000):
            other = threading.Thread(target=take)
            other.start()
            assert not entered.wait(timeout=0.05)
        other.join(timeout=5)
        assert entered.is_set()
