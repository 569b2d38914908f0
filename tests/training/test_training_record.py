"""Networks are read from files that cannot run code."""

from pathlib import Path
from typing import Any

import pytest

from fer_client.errors import InputError

keras = pytest.importorskip("keras", reason="needs the extra `training`")

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras advises against HDF5 as it writes it.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def saved(path: Path, *layers: Any) -> Path:
    keras.Sequential([keras.Input((4, 4, 1)), *layers, keras.layers.Flatten()]).save(path)
    return path


def test_lambda_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fer_training.models.record import load_network

    code = keras.layers.Lambda(lambda x: (__import__("sys").stdout.write("this runs"), x)[1])
    path = saved(tmp_path / "foreign.keras", code)
    capsys.readouterr()

    with pytest.raises(InputError, match="holds Python code, as of a Lambda layer") as caught:
        load_network(path)

    assert "\n" not in str(caught.value)
    assert "this runs" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["h5", "hdf5"])
def test_other_format_is_not_opened(tmp_path: Path, ending: str) -> None:
    from fer_training.models.record import load_network

    with pytest.raises(InputError, match=r"Expected a \.keras file"):
        load_network(saved(tmp_path / f"old.{ending}"))
