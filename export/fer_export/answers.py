"""What a network answers on real crops: of which kind its outputs are, and whether they follow the crops at all."""

import numpy as np

from fer_client.errors import UsageError
from fer_export.description import Description, OutputKind
from fer_export.preprocessing import Float32Array

MIN_SPREAD = 0.05
"""Least range of a class's probability over crops that differ.

One portrait in 288 zooms, shifts and exposures moves three trained networks by 0.59 to 0.86 in their own range, or
one near it, and by 0.008 to 0.013 where luma arrives 500 times too small.
"""

SURE = 0.99
MAX_SURE_SHARE = 0.25
"""A share of crops with a confidence of SURE that is suspicious.

The same networks reach SURE on none of the crops in their own range, and on 40 to 95 % of them where luma arrives
127 times too large. A network may be so sure by training, hence a warning and no refusal.
"""


def output_kind(outputs: Float32Array, wanted: OutputKind | None = None) -> OutputKind:
    """Tell from outputs [N, K] on real crops whether they are logits or probabilities.

    Raises UsageError where they are not finite, or not of the kind that the user names.
    """
    if not np.all(np.isfinite(outputs)):
        raise UsageError(
            "The network's output is not finite on real crops: train again, or check --input-range."
        )
    sums_to_one = bool(np.all(outputs >= 0) and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))
    found: OutputKind = "probabilities" if sums_to_one else "logits"
    if wanted not in (None, found):
        reason = "sum to 1" if sums_to_one else "do not sum to 1"
        raise UsageError(
            f"The network's outputs {reason} on every crop, so they are {found}, not {wanted}: "
            f"leave --output away, or give --output {found}."
        )
    return found


def probabilities(outputs: Float32Array, description: Description) -> Float32Array:
    """Calibrated probabilities FP32 [N, K] from a network's outputs."""
    if description.output == "probabilities":
        return outputs
    scaled = outputs / np.float32(description.temperature)
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)


def require_spread(answers: Float32Array, labels: tuple[str, ...]) -> None:
    """Raise UsageError where probabilities [N, K] hardly change between crops; a single crop says nothing."""
    spread = float((answers.max(axis=0) - answers.min(axis=0)).max())
    if len(answers) < 2 or spread >= MIN_SPREAD:
        return
    likeliest = int(answers.mean(axis=0).argmax())
    low, high = answers[:, likeliest].min(), answers[:, likeliest].max()
    raise UsageError(
        f"Nothing was written, because the network answers {len(answers)} differing crops alike ({labels[likeliest]} "
        f"{low:.1%} to {high:.1%}): check --input-range, or name crops of several expressions with --crops."
    )


def sure_share(answers: Float32Array) -> float:
    """The share of crops whose largest probability reaches SURE."""
    return float((answers.max(axis=1) >= SURE).mean())
