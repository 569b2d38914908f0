"""Every command takes -h, as `fer-client` does."""

import sys

import pytest

from fer_training.commands.cli import main


@pytest.mark.parametrize("words", [[], ["prepare"], ["predict"]])
def test_short_help(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fer-train", *words, "-h"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "Usage: fer-train" in capsys.readouterr().out
