from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_client.errors import InputError, UsageError
from fer_export import crops
from fer_export.crops import MAX_CROPS, MAX_EXAMPLES, load_crops

SHAPE = (96, 96, 1)


def test_portraits_give_hundreds_of_differing_faces() -> None:
    pytest.importorskip("matplotlib", reason="the portrait is among Matplotlib's sample data")

    loaded = load_crops(None, SHAPE)

    assert loaded.pixels.dtype == np.uint8
    assert loaded.pixels.shape[1:] == SHAPE
    assert len(np.unique(loaded.pixels, axis=0)) == len(loaded.names) >= 200
    assert loaded.pixels.std(axis=(1, 2, 3)).min() > 5
    assert "grace_hopper.jpg" in loaded.names[0]
    assert "shift +0.0 +0.0" in loaded.names[loaded.examples["grace_hopper.jpg"]]


def test_portraits_are_the_same_each_time() -> None:
    pytest.importorskip("matplotlib", reason="the portrait is among Matplotlib's sample data")

    np.testing.assert_array_equal(load_crops(None, SHAPE).pixels, load_crops(None, SHAPE).pixels)


def test_no_portrait_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops, "PORTRAITS", (("no_such_package", "portrait.png"),))

    with pytest.raises(UsageError, match="--crops"):
        load_crops(None, SHAPE)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("wanted", [1, 3])
def test_arrays_of_every_form(tmp_path: Path, channels: tuple[int, ...], wanted: int) -> None:
    images = np.full((5, 48, 48, *channels), 77, np.uint8)
    np.save(tmp_path / "crops.npy", images)

    loaded = load_crops(tmp_path / "crops.npy", (96, 96, wanted))

    assert loaded.pixels.shape == (5, 96, 96, wanted)
    assert np.all(loaded.pixels == 77)
    assert loaded.names[3] == "crops.npy[3]"


def test_prepared_data_is_sampled_evenly(tmp_path: Path) -> None:
    values = np.arange(2000).astype(np.uint8)
    np.save(tmp_path / "images.npy", np.broadcast_to(values[:, None, None], (2000, 48, 48)))

    loaded = load_crops(tmp_path, (48, 48, 1))

    assert len(loaded.pixels) == MAX_CROPS
    assert loaded.names[0] == "images.npy[0]"
    assert loaded.names[-1] == "images.npy[1999]"
    assert next(iter(loaded.examples)) == "images.npy[0]"
    assert list(loaded.examples)[-1] == "images.npy[1999]"
    assert len(loaded.examples) == MAX_EXAMPLES


def test_pictures_become_luma_or_rgb(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy/red.png"), np.full((200, 200, 3), (0, 0, 255), np.uint8))

    assert np.all(load_crops(tmp_path, SHAPE).pixels == 76)
    np.testing.assert_array_equal(load_crops(tmp_path, (96, 96, 3)).pixels[0, 0, 0], [255, 0, 0])
    assert load_crops(tmp_path, SHAPE).names == ("happy/red.png",)


def test_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No pictures"):
        load_crops(tmp_path, SHAPE)


def test_broken_picture(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_text("no picture")

    with pytest.raises(InputError, match=r"face\.png"):
        load_crops(tmp_path, SHAPE)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        load_crops(tmp_path / "none.npy", SHAPE)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 48, 48)), np.zeros((3, 4), np.uint8), np.zeros((0, 8, 8), np.uint8)]
)
def test_array_of_something_else(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "crops.npy", array)

    with pytest.raises(InputError, match="expected uint8"):
        load_crops(tmp_path / "crops.npy", SHAPE)
