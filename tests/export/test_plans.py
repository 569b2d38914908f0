import sys
from pathlib import Path

import pytest

from fer_client.errors import InputError, UsageError
from fer_export.plans import PlanSettings, build_plan, trtexec_command
from fer_export.repository import parse_config, write
from support.repositories import built


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    write(built(b"pre", b"net"), directory)
    return directory


def program(folder: Path, body: str) -> str:
    """An executable in trtexec's place, since the real one needs a GPU."""
    path = folder / "trtexec"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nargs = dict(a.partition('=')[::2] for a in sys.argv[1:])\n{body}\n"
    )
    path.chmod(0o755)
    return str(path)


def test_command_names_the_smallest_best_and_largest_batch(repository: Path) -> None:
    config = parse_config((repository / "expression/config.pbtxt").read_text())

    command = trtexec_command("trtexec", Path("a.onnx"), Path("a.plan"), config, 16, True)

    assert command == [
        "trtexec",
        "--onnx=a.onnx",
        "--saveEngine=a.plan",
        "--skipInference",
        "--minShapes=NETWORK_INPUT:1x48x48x1",
        "--optShapes=NETWORK_INPUT:16x48x48x1",
        "--maxShapes=NETWORK_INPUT:64x48x48x1",
        "--fp16",
    ]


def test_repository_with_a_plan(repository: Path, tmp_path: Path) -> None:
    trtexec = program(
        tmp_path, "open(args['--saveEngine'], 'wb').write(open(args['--onnx'], 'rb').read() + b'!')"
    )
    out = tmp_path / "planned"

    build_plan(PlanSettings(repository, out, trtexec=trtexec))

    config = parse_config((out / "expression/config.pbtxt").read_text())
    assert (config.backend, dict(config.parameters)) == ("tensorrt", {})
    assert [tensor.name for tensor in config.input] == ["NETWORK_INPUT"]
    assert (out / "expression/1/model.plan").read_bytes() == b"net!"
    assert not (out / "expression/1/model.onnx").exists()
    assert (out / "face_preprocess/1/model.onnx").read_bytes() == b"pre"
    assert (out / "fer/config.pbtxt").read_text() == (repository / "fer/config.pbtxt").read_text()


def test_folder_with_models_stays_without_leave(repository: Path, tmp_path: Path) -> None:
    trtexec = program(tmp_path, "open(args['--saveEngine'], 'wb').write(b'plan')")

    with pytest.raises(UsageError, match="--overwrite"):
        build_plan(PlanSettings(repository, repository, trtexec=trtexec))
    assert (repository / "expression/1/model.onnx").read_bytes() == b"net"

    build_plan(PlanSettings(repository, repository, trtexec=trtexec, overwrite=True))
    assert (repository / "expression/1/model.plan").read_bytes() == b"plan"


@pytest.mark.parametrize("ends", ["sys.exit(3)", "pass"])
def test_failing_program_writes_nothing(repository: Path, tmp_path: Path, ends: str) -> None:
    trtexec = program(tmp_path, f"print('[E] no such GPU'); print('bye'); {ends}")

    with pytest.raises(InputError, match=r"wrote no plan \(\[E\] no such GPU\)"):
        build_plan(PlanSettings(repository, tmp_path / "planned", trtexec=trtexec))

    assert not (tmp_path / "planned").exists()


def test_missing_program(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--trtexec"):
        build_plan(PlanSettings(repository, tmp_path / "planned", trtexec="no-such-trtexec"))


@pytest.mark.parametrize("optimum", [0, 65])
def test_batch_that_the_model_does_not_take(repository: Path, tmp_path: Path, optimum: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 64"):
        build_plan(PlanSettings(repository, tmp_path / "planned", optimum))


@pytest.mark.parametrize("missing", ["expression/config.pbtxt", "expression/1/model.onnx"])
def test_repository_without_the_network(repository: Path, tmp_path: Path, missing: str) -> None:
    (repository / missing).unlink()

    with pytest.raises(InputError, match=Path(missing).name):
        build_plan(PlanSettings(repository, tmp_path / "planned"))
