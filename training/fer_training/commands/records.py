"""What a command says of the record beside the weights; Keras loads only once it is asked for."""

from pathlib import Path

from fer_client.cli.console import notify
from fer_training.data.dataset import Dataset


def kept_in(weights: Path, split: str) -> str:
    """Say where the figures of a split stand and, of PublicTest, which temperature was fitted."""
    from fer_training.models.record import load_record, record_path

    record = load_record(weights)
    source = record.get("temperature_fitted_on")
    fitted = (
        f", with the temperature {record['temperature']:.3f} that was fitted on its {source}"
        if source
        else ""
    )
    return f"Kept in {record_path(weights)}{fitted if split == 'PublicTest' else ''}."


def note_other_data(weights: Path, dataset: Dataset) -> bool:
    """Tell whether the record keeps the figures, and say so where it does not."""
    from fer_training.models.record import is_trained_on, load_record, record_path

    is_kept = is_trained_on(load_record(weights, target=None), dataset)
    if not is_kept:
        notify(f"Note: {record_path(weights)} is left as it is, since the network was trained on other data.")
    return is_kept
