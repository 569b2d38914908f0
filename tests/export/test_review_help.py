"""Every command takes -h, as `fer-client` does."""

import pytest

from fer_export.cli import COMMANDS, main


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_short_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "-h"])
    assert not ended.value.code
    assert "Usage: fer-export" in capsys.readouterr().out
