"""A trained Keras network, read from its file, and files that are none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_client.contract import LABELS
from fer_client.errors import InputError, UsageError
from support.keras_networks import load

pytestmark = [
    pytest.mark.keras,
    pytest.mark.usefixtures("keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
SHARED_HDF5 = Path(__file__).parents[3] / "shared/models/fer2013_mini_XCEPTION.119-0.65.hdf5"


def saved(model: Any, folder: Path) -> Path:
    path = folder / "foreign.keras"
    model.save(path)
    return path


def test_colour_network_without_record(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])

    network = load(saved(model, tmp_path), labels=("glad", "not"), input_range=(0, 1))

    assert network.input_shape == (64, 64, 3)
    assert network.description.temperature == 1


def test_old_hdf5_file() -> None:
    if not SHARED_HDF5.is_file():
        pytest.skip(f"needs ../shared/models/{SHARED_HDF5.name}")

    with pytest.raises(UsageError, match=r"not opened.*--trust"):
        load(SHARED_HDF5, labels=LABELS, input_range=(-1, 1))
    network = load(SHARED_HDF5, labels=LABELS, input_range=(-1, 1), is_trusted=True)

    assert network.input_shape[2] == 1
    assert network.model.output_shape == (None, 7)


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_code_in_a_file_runs_only_where_it_is_trusted(
    keras: Any, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = keras.layers.Lambda(lambda x: (__import__("sys").stdout.write("this runs"), x)[1])
    model = keras.Sequential([keras.Input((48, 48, 1)), code, keras.layers.Flatten(), keras.layers.Dense(7)])
    path = tmp_path / f"foreign.{ending}"
    model.save(path)
    capsys.readouterr()

    with pytest.raises(UsageError, match=r"not opened.*--trust") as caught:
        load(path, labels=LABELS, input_range=(0, 1))
    assert "\n" not in str(caught.value)
    assert "this runs" not in capsys.readouterr().out

    assert load(path, labels=LABELS, input_range=(0, 1), is_trusted=True).input_shape == (48, 48, 1)
    assert "this runs" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"not a network", b"PK\x03\x04 half a zip"])
@pytest.mark.parametrize("name", ["net.keras", "net.hdf5", "net.txt"])
def test_file_that_is_no_network(tmp_path: Path, write_record: Any, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    write_record(path)

    with pytest.raises(InputError, match="could not be read as a Keras network") as caught:
        load(path, is_trusted=True)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        load(tmp_path / "none.keras", labels=LABELS, input_range=(0, 1))


@pytest.mark.parametrize(
    ("shape", "layers", "found"),
    [
        ((10,), [], r"takes \['batch', 10\]"),
        ((48, 48, 4), ["Flatten"], "takes pictures of 48x48 pixels with 4 channels"),
        ((1, 48, 48), ["Flatten"], "channels first"),
        ((48, 48, 1), [], r"gives \['batch', 48, 48, 7\]"),
    ],
)
def test_network_of_another_kind(
    keras: Any, tmp_path: Path, shape: tuple[int, ...], layers: list[str], found: str
) -> None:
    middle = [getattr(keras.layers, name)() for name in layers]
    model = keras.Sequential([keras.Input(shape), *middle, keras.layers.Dense(7)])

    with pytest.raises(InputError, match=found):
        load(saved(model, tmp_path), labels=LABELS, input_range=(0, 1))


def test_network_with_two_inputs(keras: Any, tmp_path: Path) -> None:
    taken = [keras.Input((48, 48, 1)), keras.Input((48, 48, 1))]
    model = keras.Model(taken, keras.layers.Dense(7)(keras.layers.Flatten()(keras.layers.Add()(taken))))

    with pytest.raises(InputError, match="expected one input"):
        load(saved(model, tmp_path), labels=LABELS, input_range=(0, 1))


def test_batch_that_is_fixed(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input(batch_shape=(4, 48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(7)]
    )

    with pytest.raises(InputError, match="takes batches of 4 alone, expected any"):
        load(saved(model, tmp_path), labels=LABELS, input_range=(0, 1))


def any_size(keras: Any, channels: int | None = 1) -> Any:
    return keras.Sequential(
        [keras.Input((None, None, channels)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )


def test_size_is_stated_where_the_file_leaves_it_open(keras: Any, tmp_path: Path) -> None:
    path = saved(any_size(keras), tmp_path)
    options = {"labels": ("glad", "not"), "input_range": (0, 1)}

    with pytest.raises(
        UsageError, match=r"pictures of any size with 1 channel and.*give --size HEIGHT WIDTH"
    ):
        load(path, **options)
    assert load(path, size=(64, 48), **options).input_shape == (64, 48, 1)
    with pytest.raises(
        UsageError, match=r"1 channel, not pictures of 64x48 pixels with 3 channels: mend --size"
    ):
        load(path, size=(64, 48), channels=3, **options)


def saved_model(model: Any, folder: Path) -> Path:
    model.export(folder / "exported", verbose=False)
    return folder / "exported"


def test_saved_model(keras: Any, tmp_path: Path) -> None:
    """Both of one size and of any; its answers are those of the network it was made of."""
    from fer_export.parity import compare, own_outputs, session_answers
    from fer_export.sessions import open_session

    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers, keras.layers.Softmax()])
    path = saved_model(model, tmp_path)
    options = {"labels": ("glad", "not"), "input_range": (0, 1)}

    with pytest.raises(UsageError, match=r"not opened.*program of TensorFlow.*--trust"):
        load(path, **options)
    network = load(path, is_trusted=True, **options)

    assert network.input_shape == (32, 32, 3)
    faces = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    pictures = (faces / 255).astype(np.float32)
    expected = np.asarray(model(pictures))
    assert compare(expected, own_outputs(network, faces)).size < 1e-5
    settled = replace(network, description=replace(network.description, output="probabilities"))
    session = open_session(settled.graph().SerializeToString())
    assert compare(expected, session_answers(session, [pictures])["EXPRESSION"]).size < 1e-5


def test_folder_that_only_looks_like_a_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"nothing")

    with pytest.raises(InputError, match="could not be read as a SavedModel") as caught:
        load(tmp_path, is_trusted=True, labels=LABELS, input_range=(0, 1))
    assert "\n" not in str(caught.value)
