import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_server.errors import ServerError, UsageError
from fer_server.ports import Endpoint, check_free, control, endpoints, free_ports, is_on, option


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_option_is_found_in_both_spellings_and_the_last_wins() -> None:
    arguments = ["--grpc-port", "9001", "--http-port=9000", "--grpc-port=9002"]
    assert option(arguments, "--grpc-port") == "9002"
    assert option(arguments, "--http-port") == "9000"
    assert option(arguments, "--id") is None
    assert option(["--id"], "--id") is None


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_switches_read_as_triton_reads_them(value: str, expected: bool) -> None:
    assert is_on([f"--allow-http={value}"], "--allow-http", True) is expected


def test_by_default_grpc_alone_listens_on_this_machine_alone() -> None:
    assert list(map(str, endpoints([], auto=False).values())) == ["127.0.0.1:8001"]


def test_asked_for_are_tritons_usual_ports() -> None:
    served = endpoints(["--allow-http=true", "--allow-metrics", "1"], auto=False)
    assert str(served["http"]) == "127.0.0.1:8000"
    assert str(served["metrics"]) == "127.0.0.1:8002"


@pytest.mark.parametrize("words", [["--http-port=9000"], ["--http-address", "127.0.0.2"]])
def test_who_names_a_port_or_an_address_asks_for_the_service(words: list[str]) -> None:
    assert list(endpoints(words, auto=False)) == ["grpc", "http"]
    assert list(endpoints([*words, "--allow-http=false"], auto=False)) == ["grpc"]


def test_auto_ports_leave_given_ones_alone() -> None:
    served = endpoints(["--grpc-port=9001", "--allow-http=true"], auto=True)
    assert list(served) == ["grpc", "http"]
    assert served["grpc"].port == 9001
    assert served["http"].port not in (8000, 9001)


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", ""])
def test_a_port_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--http-port must be a number from 1 to 65535"):
        endpoints([f"--http-port={text}"], auto=False)


@pytest.mark.parametrize(
    ("address", "shown"), [("0.0.0.0", "127.0.0.1:8000"), ("::", "[::1]:8000"), ("10.0.0.2", "10.0.0.2:8000")]
)
def test_an_endpoint_is_shown_as_a_client_here_would_use_it(address: str, shown: str) -> None:
    assert str(Endpoint("http", address, 8000)) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("0.0.0.0", "0.0.0.0:8000 (every address of this machine)"),
        ("::", "[::]:8000 (every address of this machine)"),
        ("10.0.0.2", "10.0.0.2:8000"),
    ],
)
def test_people_are_told_what_an_endpoint_listens_on(address: str, shown: str) -> None:
    assert Endpoint("http", address, 8000).listening() == shown


def test_free_ports_differ_and_can_be_opened() -> None:
    found = free_ports(["127.0.0.1"] * 20)
    assert len(set(found)) == 20
    check_free([Endpoint("http", "127.0.0.1", port) for port in found])


def test_a_port_in_use_is_named_with_what_to_do(taken: int) -> None:
    with pytest.raises(
        ServerError, match=rf"grpc at 127.0.0.1:{taken}: the port is in use; .*--grpc-port N or --auto"
    ):
        check_free([Endpoint("grpc", "127.0.0.1", taken)])


def test_a_port_that_triton_may_share_is_not_checked(taken: int) -> None:
    served = endpoints([f"--grpc-port={taken}", "--reuse-grpc-port=true"], auto=True)
    check_free(served.values())


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServerError, match=r"http at 192\.0\.2\.1:8000: Cannot assign requested address"):
        check_free([Endpoint("http", "192.0.2.1", 8000)])


def test_a_served_http_is_also_the_one_for_control() -> None:
    served = endpoints(["--allow-http=true"], auto=False)
    with control(served) as endpoint:
        assert endpoint is served["http"]


def test_without_http_the_control_is_this_users_alone_and_goes() -> None:
    with control(endpoints([], auto=False)) as endpoint:
        folder = Path(endpoint.address.removeprefix("unix:")).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
