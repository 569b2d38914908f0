"""A network that spoils what passes between client and server: the tables are those of an undisturbed run."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.disturbed import analyse, finish, middle, tables
from support.fault_record import FaultRecord
from support.protocol_server import ProtocolServer
from support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.faults
KIND = "network"
SAME = "the run goes on; tables as if undisturbed"


def slow(proxy: TcpProxy) -> None:
    proxy.delay_s = 0.3


def reset(proxy: TcpProxy) -> None:
    proxy.reset()


def refuse(proxy: TcpProxy) -> None:
    proxy.refuses = True
    proxy.reset()
    time.sleep(2)
    proxy.refuses = False


def hold_back(proxy: TcpProxy) -> None:
    proxy.swallows = True
    time.sleep(2)
    proxy.swallows = False


FAULTS: dict[str, Callable[[TcpProxy], None]] = {
    "answers slow from the middle on": slow,
    "connections reset in the middle": reset,
    "connections reset and refused for 2 s": refuse,
    "nothing passes for 2 s": hold_back,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_tables_are_the_same(
    proxy: TcpProxy, clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord, fault: str
) -> None:
    proxy.delay_s = 0.05
    process = analyse(clip, proxy.url, tmp_path)
    middle(proxy, process)
    FAULTS[fault](proxy)
    done = finish(process, 240)
    assert done.returncode == 0, done.stderr
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(KIND, fault, SAME)


def test_a_connection_that_breaks_again_and_again(
    proxy: TcpProxy, clip: Path, whole: dict[str, bytes], tmp_path: Path, faults: FaultRecord
) -> None:
    proxy.delay_s = 0.05
    process = analyse(clip, proxy.url, tmp_path)
    for _ in range(3):
        middle(proxy, process, 3)
        proxy.reset()
    assert finish(process, 240).returncode == 0
    assert tables(tmp_path / "out" / "clip") == whole
    faults.held(KIND, "connections reset in the middle", SAME, tried=3)


def test_nothing_passes_any_more(proxy: TcpProxy, clip: Path, tmp_path: Path, faults: FaultRecord) -> None:
    proxy.delay_s = 0.05
    process = analyse(clip, proxy.url, tmp_path, "--timeout", 5, "--reconnect", 2)
    middle(proxy, process)
    proxy.swallows = True
    done = finish(process, 240)
    assert done.returncode == 4
    assert "did not answer in time" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []
    faults.held(
        KIND, "nothing passes any more", "one sentence when the deadline has passed", "the run, no half of it"
    )


@pytest.mark.parametrize("seed", range(3))
def test_answers_turn_into_garbage(
    proxy: TcpProxy, clip: Path, tmp_path: Path, faults: FaultRecord, seed: int
) -> None:
    with TcpProxy(proxy.target, seed) as spoiling:
        spoiling.delay_s = 0.05
        process = analyse(clip, spoiling.url, tmp_path, "--timeout", 5, "--reconnect", 3)
        middle(spoiling, process)
        spoiling.garbles = 0.02
        done = finish(process, 240)
    assert done.returncode in (4, 5), done.stderr  # what it states of its network may be garbage too
    assert done.stderr.splitlines()[-1].startswith("fer-client: ")
    assert list((tmp_path / "out").iterdir()) == []
    faults.held(
        KIND, "answers turn into garbage", "one sentence within the deadline", "the run, no half of it"
    )


def test_an_answer_that_is_no_message(
    server: ProtocolServer, clip: Path, tmp_path: Path, faults: FaultRecord
) -> None:
    server.hang.clear()
    process = analyse(clip, server.url, tmp_path)
    assert server.asked.wait(120)
    server.sends_garbage = True
    server.hang.set()
    done = finish(process, 240)
    assert done.returncode == 4
    assert "Exception deserializing response" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []
    faults.held(KIND, "an answer that is no message", "one sentence at once", "the run, no half of it")
