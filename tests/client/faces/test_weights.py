"""YuNet's weights in the user's cache: which folder that is, and that only whole ones are taken."""

import hashlib
import io
import os
import sys
import urllib.request
from pathlib import Path

import pytest

from fer_client.faces import weights
from fer_server.environment import cache_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="the server runs on Linux alone")
@pytest.mark.parametrize(
    ("base", "folder"),
    [
        (None, "{home}/.cache/fer-triton"),
        ("", "{home}/.cache/fer-triton"),
        ("/var/cache/me", "/var/cache/me/fer-triton"),
        ("cache", "{home}/.cache/fer-triton"),
        ("./cache", "{home}/.cache/fer-triton"),
    ],
)
def test_client_and_server_share_a_folder_that_a_relative_path_does_not_move(
    home: Path, monkeypatch: pytest.MonkeyPatch, base: str | None, folder: str
) -> None:
    if base is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", base)
    expected = Path(folder.format(home=home))
    assert weights.cache_path().parent == expected
    assert cache_folder(os.environ) == expected


@pytest.mark.usefixtures("home")
def test_only_whole_weights_are_taken_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "YUNET_SHA256", hashlib.sha256(b"whole").hexdigest())
    served = b"cut o"
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(served))
    assert weights.download_weights() is None
    assert not weights.cache_path().exists()
    served = b"whole"
    assert weights.download_weights() == weights.cached_weights() == weights.cache_path()
    assert [path.name for path in weights.cache_path().parent.iterdir()] == [weights.YUNET_FILE]
    weights.cache_path().write_bytes(b"cut o")
    assert weights.cached_weights() is None


@pytest.mark.usefixtures("home")
def test_the_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights.named_weights(None) is None
    monkeypatch.setenv(weights.MODEL_VARIABLE, "variable.onnx")
    assert weights.named_weights(None) == Path("variable.onnx")
    assert weights.named_weights(Path("argument.onnx")) == Path("argument.onnx")
