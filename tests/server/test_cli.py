import json
import subprocess
import sys
from pathlib import Path

import pytest

from fer_server import cli
from fer_server.environment import FOLDER_VARIABLE, TRITONSERVER
from fer_server.errors import ModelsError, UsageError
from fer_server.ports import Endpoint
from fer_server.runtime import Runtime
from fer_server.serving import (
    Settings,
    Started,
    check_repositories,
    fitted_repositories,
    tritonserver_command,
)

STARTED = Started(
    {"grpc": Endpoint("grpc", "127.0.0.1", 9001), "http": Endpoint("http", "0.0.0.0", 9000)}, 42, {"fer": "1"}
)


def test_defaults_serve_the_projects_own_models() -> None:
    settings = cli.parse([]).settings
    assert settings.repositories == (str(cli.default_repository()),)
    assert not settings.auto_ports
    assert not settings.stop_on_eof
    assert settings.passed_through == ()
    assert cli.default_repository() == Path(cli.__file__).parents[2] / "model_repository"


def test_other_options_are_passed_through_in_order() -> None:
    words = ["--grpc-port", "9001", "--log-verbose=1", "--id", "mine", "--backend-config=python,x=1"]
    options = cli.parse(
        [*words[:2], "--auto-ports", *words[2:], "--model-store", "a", "--model-repository=b"]
    )
    assert options.settings.passed_through == tuple(words)
    assert options.settings.repositories == ("a", "b")
    assert options.settings.auto_ports


def test_abbreviations_are_tritons_business() -> None:
    assert cli.parse(["--auto"]).settings.passed_through == ("--auto",)


def test_a_folder_as_plain_argument_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.parse(["models"])
    assert caught.value.code == 2
    assert "given as --model-repository models" in capsys.readouterr().err


def test_help_tells_of_tritons_options_and_the_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fer_server", "--help"], capture_output=True, text=True, check=True
    )
    assert "Every other option goes to tritonserver" in done.stdout
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("repository", ["nowhere", "file"])
def test_a_repository_that_is_no_folder_is_wrong_usage(tmp_path: Path, repository: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"There is no folder .*--model-repository DIR"):
        check_repositories([str(tmp_path / repository)])


def test_a_repository_without_models_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"holds no model; expected .*/<model>/config.pbtxt"):
        check_repositories([str(tmp_path)])
    check_repositories(["s3://bucket/models"])


def test_an_error_is_one_line_on_stderr_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / TRITONSERVER).parent.mkdir(parents=True)
    (tmp_path / TRITONSERVER).touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert cli.main([f"--model-repository={tmp_path / 'nowhere'}"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("fer-server: There is no folder")


def test_the_users_options_come_last_and_so_win(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path / "tritonserver", tmp_path / "backends", {}, tmp_path)
    passed = ("--model-control-mode=poll", "--id=mine", "--exit-timeout-secs=3")
    settings = Settings(("models", "s3://bucket"), passed_through=passed)
    served = fitted_repositories(settings, tmp_path / "models")
    http = STARTED.endpoints["http"]
    command = tritonserver_command(settings, runtime, served, STARTED.endpoints, http, "ours", "prefix-")
    assert command[0] == str(tmp_path / "tritonserver")
    assert command[-2:] == ["--id=mine", "--exit-timeout-secs=3"]
    assert f"--model-repository={Path('models').absolute()}" in command
    assert "--model-repository=s3://bucket" in command
    assert "--grpc-port=9001" in command
    assert "--http-address=0.0.0.0" in command


def test_json_line_names_every_service(capsys: pytest.CaptureFixture[str]) -> None:
    cli._announce_json(STARTED)
    assert json.loads(capsys.readouterr().out) == {
        "ready": True,
        "grpc": "127.0.0.1:9001",
        "http": "127.0.0.1:9000",
        "metrics": None,
        "pid": 42,
        "models": {"fer": "1"},
    }


def test_line_for_people_says_what_where_and_how_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    cli._announce(STARTED)
    assert capsys.readouterr().out == (
        "Serving fer at grpc 127.0.0.1:9001, http 0.0.0.0:9000 (every address of this machine). Stop with Ctrl-C.\n"
    )


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf", "soon"])
def test_a_start_is_waited_for_so_many_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parse(["--start-timeout", seconds])
    assert ended.value.code == 2
    assert "a number of seconds" in capsys.readouterr().err
