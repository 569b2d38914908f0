"""The figures of an evaluation on the terminal."""

import pytest
from rich.console import Console

from fer_training.commands.display import print_result
from support.training_results import EXTRA, VOTERS, judged_result


def test_the_command_prints_the_figures_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    figures = judged_result(EXTRA)["metrics"]["PrivateTest"]
    print_result(Console(width=120), figures, "PrivateTest")
    assert "by the voters" not in capsys.readouterr().out
    print_result(Console(width=120), figures | {"voters": VOTERS}, "PrivateTest")
    printed = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "accuracy 70.00 % 69.00 %" in printed
    assert "accuracy 84.20 % 83.30 %" in printed
    assert "images with a majority 2720 2506" in printed
    assert "R² (Kullback-Leibler) 0.612 0.601" in printed
    assert "rank correlation of entropies – –" in printed
