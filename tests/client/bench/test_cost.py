"""Processor time, counted where it was spent."""

import subprocess
import sys
import time

from fer_client.bench.cost import measured

WORKER = """
import time
while time.process_time() < 0.3: pass
print(flush=True)
input()
"""


def test_work_here_and_in_the_server_is_counted() -> None:
    def work() -> None:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass

    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        with measured(server.pid) as there:
            server.stdout.readline()
        with measured(server.pid) as here:
            work()
        with measured(server.pid) as nowhere:
            pass
        server.communicate(b"\n")
    assert there.own_s >= 0.15
    assert here.own_s >= 0.15
    assert nowhere.own_s < 0.1


def test_what_was_started_and_has_ended_is_counted() -> None:
    command = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"]
    with measured() as cost:
        subprocess.run(command, check=True)
    assert cost.own_s >= 0.25
    assert cost.peak_mb is None or cost.peak_mb > 1


def test_the_peak_of_memory_is_that_of_the_block() -> None:
    with measured() as before:
        held = bytearray(200 << 20)
    assert before.peak_mb is None or before.peak_mb > 200
    held.clear()
    with measured() as after:
        pass
    assert after.peak_mb is None or after.peak_mb < (before.peak_mb or 0) - 100
