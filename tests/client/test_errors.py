"""What of an error nobody foresaw is told."""

import pytest

from fer_client.errors import InputError, fails_alone


@pytest.mark.parametrize("secret", ["user:word", "user:wo'rd", "user:wo rd", "user:wo/rd"])
def test_a_traceback_hides_the_secrets_of_an_address(
    secret: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_TRACEBACK", "1")
    with pytest.raises(InputError) as caught, fails_alone("rtsp://cam/1"):
        try:
            raise OSError(f"cannot open 'rtsp://{secret}@cam/1?token=x'")
        except OSError as error:
            raise ValueError(f"rtsps://{secret}@cam is none") from error
    told = capsys.readouterr().err
    assert "ValueError: rtsps://(hidden)" in told
    assert "OSError: cannot open 'rtsp://(hidden)" in told
    assert "test_errors.py" in told
    for text in (told, str(caught.value)):
        assert "rd@" not in text
        assert "token=x" not in text
