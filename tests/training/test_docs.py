"""The page on training, typed as a new user would type it, on a small set of drawn faces."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_training.commands.cli import main
from fer_training.data.dataset import SPLITS
from fer_training.recipes import RECIPES
from support.training_data import drawn_face, write_fer2013

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_page_lists_every_recipe() -> None:
    assert all(f"| `{name}` |" in PAGE.read_text(encoding="utf-8") for name in RECIPES)


@pytest.mark.keras
# Keras's TensorFlow backend meets NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_five_commands_and_the_python_lines_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("keras", reason="needs the extra `training`")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        (label, drawn_face(label, rng), split)
        for split in SPLITS
        for label in range(len(LABELS))
        for _ in range(12)
    ]
    Path("downloads/fer2013").mkdir(parents=True)
    write_fer2013(Path("downloads/fer2013"), ("emotion", "pixels", "Usage"), rows, votes=True)
    cv2.imwrite("photo.jpg", rng.integers(0, 255, (200, 200)).astype(np.uint8))
    monkeypatch.setenv("FER_DETECTOR_MODEL", "")
    monkeypatch.setattr("fer_client.faces.detection.download_weights", lambda: None)
    commands = next(block for block in _blocks("sh") if "prepare" in block).splitlines()
    assert len(commands) == 5
    for command in commands:
        monkeypatch.setattr(sys, "argv", shlex.split(command))
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 0, capsys.readouterr().err
    assert Path("runs/first/network.keras").is_file()
    assert Path("runs/first/network-PublicTest-confusion.png").is_file()
    (lines,) = _blocks("python")
    names: dict[str, object] = {}
    exec(compile(lines, str(PAGE), "exec"), names)
    assert np.asarray(names["faces"]).shape == (84, 48, 48)


@pytest.mark.parametrize("page", ["docs/training.md", "docs/model-card.md", "README.md"])
def test_the_generated_parts_are_those_of_the_committed_results(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = PAGE.parents[1]
    makefile = (root / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    commands = re.findall(rf"fer-train (.*\s){re.escape(page)}", makefile)
    assert commands
    copy = shutil.copy(root / page, tmp_path)
    monkeypatch.chdir(root)
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["fer-train", *shlex.split(command), copy])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 0
    assert Path(copy).read_text(encoding="utf-8") == (root / page).read_text(encoding="utf-8")
