"""What the web server gives, to whom: the page and its files, and no look from a page of another site."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from fer_client.errors import UsageError
from fer_client.live import pages
from fer_client.live.board import Board
from fer_client.live.pages import live_app
from fer_client.live.picture import Picture
from fer_client.live.serving import address, listen, served
from fer_client.live.state import Phase, RecordingState
from fer_client.live.viewer import Show
from support.live import a_picture, page


class Served:
    """A page of which nothing is shown yet; `recorded` has what pages ask for."""

    def __init__(self) -> None:
        self.recorded: list[bool] = []
        self.board = Board()
        hello = {"source": "<script>alert(1)</script>.mp4", "labels": []}
        self.show = Show(self.board, hello, dict, self.recorded.append, lambda _: None)
        self.url = ""


@pytest.fixture
def live() -> Iterator[Served]:
    one = Served()
    listener = listen("127.0.0.1", 0)
    with served(live_app(one.show, "127.0.0.1"), listener):
        one.url = address(listener, "127.0.0.1")
        yield one


def get(url: str, path: str = "/", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection(urlsplit(url).netloc)
    with closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read().decode(),
        )


class TestFiles:
    def test_the_page_and_what_it_names(self, live: Served) -> None:
        status, headers, html = get(live.url)
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        named = re.findall(r'(?:src|href)="([^":]+)"', html)
        assert named == ["live.css", "live.js"]
        script = get(live.url, "/live.js")[2]
        for name in [*named, *re.findall(r'from "\./([^"]+)"', script)]:
            assert get(live.url, f"/{name}")[0] == 200, name

    def test_all_of_the_package_is_served_and_nothing_else(self, live: Served) -> None:
        names = {entry.name for entry in files("fer_client.live").joinpath("page").iterdir()}
        assert names == {name for name, _ in pages._PAGE.values()}
        for path in ("/live.html/../pages.py", "/pages.py", "/%2e%2e/pages.py"):
            assert get(live.url, path)[0] == 404

    def test_no_script_or_style_stands_in_the_page(self) -> None:
        html = files("fer_client.live").joinpath("page", "live.html").read_text()
        assert not re.search(r"<script[^>]*>[^<]|<style| on[a-z]+=| style=", html)

    def test_no_file_makes_markup_of_what_is_shown(self) -> None:
        for entry in files("fer_client.live").joinpath("page").iterdir():
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", entry.read_text()
            )


class TestAccess:
    def test_another_name_for_this_machine_is_refused(self, live: Served) -> None:
        for host in ("evil.example", "192.168.1.5:8050"):
            status, _, text = get(live.url, Host=host)
            assert (status, "page" in text) == (421, True)
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
            upgrade |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": f"http://{host}"}
            assert get(live.url, "/watch", Host=host, **upgrade)[0] == 403

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
    def test_a_page_of_another_site_cannot_watch(self, live: Served, origin: str) -> None:
        with pytest.raises(InvalidStatus, match="403"), page(live.url, origin=origin):
            pass

    def test_only_so_many_watch(self, live: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pages, "MOST_VIEWERS", 1)
        with page(live.url) as one:
            one.read_until(lambda page: page.states)
            with pytest.raises(InvalidStatus, match="403"), page(live.url):
                pass

    def test_a_page_elsewhere_looks_and_records_nothing(
        self, live: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "is_loopback_host", lambda _host: False)
        with page(live.url) as one:
            one.read_until(lambda page: page.states)
            assert not one.hello["may_record"]
            one.say(type="record", on=True)
            for _ in one.read():
                pass
            assert one.socket.close_code == 1003
        assert not live.recorded

    def test_a_large_message_ends_the_connection(self, live: Served) -> None:
        with page(live.url) as one:
            one.socket.send(" " * 10_000)
            for _ in one.read():
                pass
            assert one.socket.close_code == 1009


def test_a_page_is_told_each_state_once(live: Served) -> None:
    with page(live.url) as one:
        one.read_until(lambda page: page.states)
        live.board.tell_recording(RecordingState(Phase.FAILED, "The disk is full."))
        live.board.tell_recording(RecordingState(Phase.FAILED, "The disk is full."))
        live.board.tell_recording(RecordingState(Phase.SAVED))
        one.read_until(lambda page: page.states[-1]["recording"]["phase"] == "saved")
        assert len(one.states) <= 3
        assert one.hello["source"] == "<script>alert(1)</script>.mp4"
    assert urllib.request.urlopen(live.url).status == 200


def test_an_error_while_sending_closes_the_connection(
    live: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_self: Picture, _width: int) -> bytes:
        raise ZeroDivisionError("made to fail")

    monkeypatch.setattr(Picture, "jpeg", broken)
    with page(live.url, ping_interval=None) as one:
        one.read_until(lambda page: page.states)
        live.board.show(a_picture(1))
        for _ in one.read(timeout_s=10):
            pass
        assert one.socket.close_code == 1011
    assert live.board.unwatched.wait(10)
    assert "made to fail" in caplog.text


class TestPort:
    def test_one_in_use_is_told_in_a_sentence(self) -> None:
        with (
            closing(listen("127.0.0.1", 0)) as taken,
            pytest.raises(UsageError, match=r"Address already in use\. "),
        ):
            listen("127.0.0.1", taken.getsockname()[1])

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
    def test_a_host_that_is_not_here(self, host: str) -> None:
        with pytest.raises(UsageError, match="another --host"):
            listen(host, 0)

    def test_the_address_of_an_ipv6_host_has_brackets(self) -> None:
        class Listener:
            def getsockname(self) -> tuple[Any, ...]:
                return ("::1", 8050, 0, 0)

        assert address(Listener(), "::1") == "http://[::1]:8050/"  # type: ignore[arg-type]
