"""What a server asks of its callers, read from the environment."""

from pathlib import Path

import pytest

from fer_client.errors import UsageError
from fer_client.inference.access import VARIABLES, read_access
from fer_client.inference.addresses import addresses_of, check_url, host_of, is_encrypted, target_of
from fer_client.inference.server import find_server
from support.certificates import make_certificates
from support.command import Command
from support.protocol_server import ProtocolServer

SECRET = "a-secret-word"


def test_headers_are_read_as_opentelemetry_writes_them() -> None:
    access = read_access({"FER_TRITON_TOKEN": f"{SECRET}\n", "FER_TRITON_HEADERS": "X-One=1, two=a%2Cb%3Dc"})
    assert access.headers == (("authorization", f"Bearer {SECRET}"), ("x-one", "1"), ("two", "a,b=c"))


def test_nothing_secret_is_in_what_is_printed_of_it(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, "localhost")
    access = read_access(files.variables(is_mutual=True) | {"FER_TRITON_TOKEN": SECRET})
    assert access.private_key == (files.client / "tls.key").read_bytes()
    assert repr(access) == "Access()"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("FER_TRITON_CA", "/nowhere/ca.crt", "FER_TRITON_CA names /nowhere/ca.crt, which cannot be read"),
        ("FER_TRITON_CA", __file__, "no PEM file"),
        ("FER_TRITON_CERT", __file__, "FER_TRITON_KEY is not set"),
        ("FER_TRITON_KEY", __file__, "FER_TRITON_CERT is not set"),
        ("FER_TRITON_TOKEN", f"{SECRET}\n{SECRET}", "must be printable ASCII"),
        ("FER_TRITON_HEADERS", f"one=1,{SECRET}", r"the 2\. has no ="),
        ("FER_TRITON_HEADERS", "a b=c", "'a b'"),
        ("FER_TRITON_HEADERS", "own-bin=c", "own-bin"),
    ],
)
def test_a_value_that_cannot_be_used_ends_in_one_sentence_without_it(
    variable: str, value: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_access({variable: value})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("gpu-box:8001", True),
        ("grpcs://gpu-box:8001", True),
        ("grpcs://10.0.0.1:8001,10.0.0.2:8001", True),
        ("[::1]:8001", True),
        ("gpu-box", False),
        ("http://gpu-box:8001", False),
        ("grpcs://gpu-box:8001/path", False),
        ("grpcs://user@gpu-box:8001", False),
        ("gpu-box:8001,", False),
        ("gpu-box:8001,grpcs://gpu-box:8001", False),
    ],
)
def test_an_address_has_one_form(url: str, is_fine: bool) -> None:
    if is_fine:
        assert check_url(url) == url
        assert is_encrypted(url) == url.startswith("grpcs://")
    else:
        with pytest.raises(UsageError, match="grpcs://HOST:PORT"):
            check_url(url)


def test_one_name_is_left_to_grpc_and_of_several_the_addresses_are_looked_up() -> None:
    assert target_of("grpcs://gpu-box:8001") == "gpu-box:8001"
    assert target_of("127.0.0.1:8001,127.0.0.2:8002") == "ipv4:127.0.0.1:8001,127.0.0.2:8002"
    assert target_of("127.0.0.1:8001,[::1]:8002") == "ipv6:[::ffff:127.0.0.1]:8001,[::1]:8002"
    assert addresses_of("grpcs://One:1,two:2") == ["One:1", "two:2"]
    assert host_of("grpcs://One:1,two:2") == "one"


@pytest.mark.parametrize("variable", VARIABLES)
def test_secrets_and_certificates_are_refused_where_faces_would_pass_in_the_clear(
    command: Command, face_video: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, SECRET)
    done = command("--detector", "lumaface", "--url", "gpu-box.invalid:8001", face_video)
    assert done.returncode == 2
    assert (
        f"{variable} is set, but everything would be sent to gpu-box.invalid:8001 in the clear" in done.stderr
    )
    assert "grpcs://gpu-box.invalid:8001" in done.stderr
    assert SECRET not in done.stderr + done.stdout


def test_a_server_that_was_not_named_is_told_nothing(
    server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_TRITON_TOKEN", SECRET)
    monkeypatch.setattr("fer_client.inference.server.LOCAL_URL", server.url)
    with find_server(None, print) as found:
        assert found.access.headers == ()
    with find_server(server.url, print) as named:
        assert named.access.headers == (("authorization", f"Bearer {SECRET}"),)
