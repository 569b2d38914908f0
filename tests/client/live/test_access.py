"""Who may watch: names of this machine, and pages that it sent itself."""

import socket

import pytest

from fer_client.inference.addresses import is_loopback_host
from fer_client.live.access import is_own_host, is_same_origin


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost:8050", "[::1]:8050", "127.0.0.9"])
def test_a_loopback_server_is_asked_for_there(host: str) -> None:
    assert is_own_host(host, "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:8050", "localhost.evil.example", "192.168.1.5:8050", "[::1", "127.0.0.1.evil.example"],
)
def test_another_name_that_leads_here_is_none_of_ours(host: str) -> None:
    assert not is_own_host(host, "127.0.0.1")


def test_an_open_server_is_asked_for_by_an_address_or_its_own_name() -> None:
    own = socket.gethostname()
    for host in ("192.168.1.5:8050", "localhost", f"{own}:8050", "studio.lan:8050"):
        assert is_own_host(host, "studio.lan")
    assert not is_own_host("evil.example:8050", "0.0.0.0")


def test_the_origin_is_the_page_of_this_server() -> None:
    assert is_same_origin({"host": "127.0.0.1:8050", "origin": "http://127.0.0.1:8050"})
    for origin in ("http://evil.example", "http://127.0.0.1:8051", "https://127.0.0.1:8050", "null", ""):
        assert not is_same_origin({"host": "127.0.0.1:8050", "origin": origin})
    assert not is_same_origin({"host": "127.0.0.1:8050"})


def test_loopback_by_its_very_address() -> None:
    assert all(is_loopback_host(host) for host in ("127.0.0.1", "::1", "localhost"))
    assert not any(is_loopback_host(host) for host in ("0.0.0.0", "192.168.1.5", "studio.lan"))
