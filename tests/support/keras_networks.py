"""Keras networks as an export reads them."""

from pathlib import Path
from typing import Any


def load(weights: Path, is_trusted: bool = False, **options: Any) -> Any:
    """Read a network with the options of `describe`."""
    from fer_export.description import describe
    from fer_export.network import load_network

    return load_network(weights, describe(weights, **options), is_trusted)
