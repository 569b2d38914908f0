"""Every recipe says its command and fits into a record."""

import pytest

from fer_training.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_its_command_and_fits_json(name: str) -> None:
    import json

    recipe = RECIPES[name]
    assert recipe.name == name
    assert f"--recipe {name}" in str(type(recipe).__doc__)
    assert json.loads(json.dumps(recipe.as_record())) == recipe.as_record()
    assert 0 <= recipe.augmentation.mixup + recipe.augmentation.cutmix <= 1
