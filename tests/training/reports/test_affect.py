"""The part of the model card about valence and arousal, from made results."""

import json
from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError
from fer_training.reports.affect import affect_card


def figures(ccc: float, **others: Any) -> dict[str, Any]:
    told = {"ccc": ccc, "rmse": 0.1686, "pearson": 0.9291, "sign_agreement": 0.914}
    split = {"images": 3579, "ccc": ccc, "valence": told, "arousal": told}
    return split | {"without_copies_of_training": {"images": 0}} | others


def result(architecture: str, **splits: Any) -> dict[str, Any]:
    return {"architecture": architecture, "statement": "Made up.", "trunk": "a" * 64, "metrics": splits}


def test_the_served_one_comes_first_and_others_behind_the_same_network_follow(tmp_path: Path) -> None:
    served = result("product", PublicTest=figures(0.9277), PrivateTest=figures(0.92))
    head = result("head", PublicTest=figures(0.9283, beats_product=False))
    other = result("head", PublicTest=figures(0.5, beats_product=True)) | {"trunk": "b" * 64}
    for name, content in {"se_resnet": served, "head": head, "other": other}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))

    text = affect_card(tmp_path / "se_resnet.json")

    assert text.startswith("Made up.\n\n| network | images of |")
    row = "| `product`, served | PublicTest | 3,579 | 0.9277 | 0.1686 | 0.9291 | 91.4 % | 0.9277 |"
    assert row in text
    assert text.index("`product`, served | PrivateTest |") < text.index(
        "| `head` | PublicTest | 3,579 | 0.9283 |"
    )
    assert "`head` | PublicTest without copies | 0 | – |" in text
    assert "0.5000" not in text
    assert text.endswith("`head` does not beat the product on PublicTest in CCC and RMSE of both.")


def test_what_was_not_judged_on_privatetest_gets_no_card(tmp_path: Path) -> None:
    path = tmp_path / "head.json"
    path.write_text(json.dumps(result("head", PublicTest=figures(0.9))))
    with pytest.raises(InputError, match="judged on PrivateTest"):
        affect_card(path)
    path.write_text("{}")
    with pytest.raises(InputError, match="damaged"):
        affect_card(path)
