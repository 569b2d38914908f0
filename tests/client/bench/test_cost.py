"""Processor time, counted where it was spent."""

import subprocess
import sys
import time

from benchmarks.machine import measured

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
