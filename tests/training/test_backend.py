"""Which backend Keras gets."""

import pytest


@pytest.mark.parametrize(
    ("installed", "asked", "chosen"),
    [
        ({"keras", "tensorflow", "jax"}, None, "tensorflow"),
        ({"keras", "jax", "torch"}, None, "jax"),
        ({"keras", "torch"}, None, "torch"),
        ({"keras", "tensorflow", "torch"}, "torch", "torch"),
    ],
)
def test_backend_is_the_users_or_the_first_installed(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], asked: str | None, chosen: str
) -> None:
    from fer_training.backend import choose_backend

    monkeypatch.setenv("KERAS_BACKEND", asked or "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in installed else None)
    assert choose_backend() == chosen
