import http.server
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fer_server import http_api, process
from fer_server.errors import ServerError, UsageError
from fer_server.ports import Endpoint
from fer_server.process import Event, Watch
from support.embedded_server import await_end

WAIT = [sys.executable, "-c", "import signal; signal.pause()"]
SOON_S = 20


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with open(os.devnull, "wb") as log, process.start(WAIT, os.environ, log) as running:
        yield running


@pytest.fixture
def triton_like() -> Iterator[Callable[[dict[str, tuple[int, bytes]]], Endpoint]]:
    """An HTTP server that gives fixed answers by path, and 404 for all else."""
    servers = []

    def start(answers: dict[str, tuple[int, bytes]]) -> Endpoint:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, b""))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return Endpoint("http", "127.0.0.1", server.server_port)

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_once(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with Watch(stop_on_eof=False) as watch:
        os.kill(os.getpid(), number)
        assert watch.wait(child, SOON_S) is Event.STOP
        assert watch.wait(child, 0) is None


def test_handlers_of_the_caller_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Watch(stop_on_eof=False):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_childs_end_ends_the_wait(child: subprocess.Popen[bytes]) -> None:
    with Watch(stop_on_eof=False) as watch:
        child.terminate()
        assert watch.wait(child, SOON_S) is Event.EXITED


def test_the_end_of_stdin_ends_the_wait_and_words_on_it_do_not(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    with open(reader) as stdin, Watch(stop_on_eof=False):
        monkeypatch.setattr(sys, "stdin", stdin)
        with Watch(stop_on_eof=True) as watch:
            os.write(writer, b"hello\n")
            assert watch.wait(child, 0.1) is None
            os.close(writer)
            assert watch.wait(child, SOON_S) is Event.EOF


def test_stop_asks_and_waits_for_the_end(child: subprocess.Popen[bytes]) -> None:
    with Watch(stop_on_eof=False) as watch:
        process.stop(child, watch, SOON_S)
    assert child.wait() == -signal.SIGTERM


def test_the_context_leaves_no_process_of_the_group_behind() -> None:
    code = f"import subprocess, sys; p = subprocess.Popen({WAIT!r}); print(p.pid, flush=True); p.wait()"
    reader, writer = os.pipe()
    with open(reader) as output, open(writer, "wb") as log:
        with process.start([sys.executable, "-c", code], os.environ, log):
            grandchild = int(output.readline())
        assert await_end([grandchild], SOON_S) == []


def test_the_server_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import os, signal
        from fer_server import http_api, process
        with process.start({WAIT!r}, os.environ, open(os.devnull, "wb")) as child:
            print(child.pid, flush=True)
            signal.pause()
    """)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert parent.stdout
    server = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert await_end([server], SOON_S) == []


def test_a_server_of_another_name_is_not_ours(
    triton_like: Callable[[dict[str, tuple[int, bytes]]], Endpoint],
) -> None:
    endpoint = triton_like({"/v2": (200, b'{"name": "theirs"}'), "/v2/health/ready": (200, b"")})
    assert http_api.is_ready(endpoint, "theirs")
    assert not http_api.is_ready(endpoint, "ours")


def test_a_server_that_loads_is_not_ready(
    triton_like: Callable[[dict[str, tuple[int, bytes]]], Endpoint],
) -> None:
    endpoint = triton_like({"/v2": (200, b'{"name": "ours"}'), "/v2/health/ready": (400, b"")})
    assert not http_api.is_ready(endpoint, "ours")


def test_nothing_that_answers_is_not_ready() -> None:
    assert not http_api.is_ready(Endpoint("http", "127.0.0.1", 1), "ours")


def test_waiting_for_a_server_has_an_end(child: subprocess.Popen[bytes]) -> None:
    nowhere = Endpoint("http", "127.0.0.1", 1)
    with (
        Watch(stop_on_eof=False) as watch,
        pytest.raises(ServerError, match=r"not ready after 0 s; see its log"),
    ):
        process.await_ready(child, watch, nowhere, "ours", 0, lambda: None)


def test_a_child_that_ends_ends_the_waiting_for_it(child: subprocess.Popen[bytes]) -> None:
    nowhere = Endpoint("http", "127.0.0.1", 1)
    child.terminate()
    with Watch(stop_on_eof=False) as watch:
        assert process.await_ready(child, watch, nowhere, "ours", SOON_S, lambda: None) is Event.EXITED


def test_served_models_stand_with_their_newest_version(
    triton_like: Callable[[dict[str, tuple[int, bytes]]], Endpoint],
) -> None:
    statistics = b"""{"model_stats": [{"name": "fer", "version": "2"}, {"name": "fer", "version": "10"},
        {"name": "double", "version": "1"}]}"""
    served = http_api.served_models(triton_like({"/v2/models/stats": (200, statistics)}))
    assert served == {"double": "1", "fer": "10"}


def test_the_end_of_a_stdin_that_is_closed_cannot_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input"):
        Watch(stop_on_eof=True)
