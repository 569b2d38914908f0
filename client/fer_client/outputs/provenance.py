"""The provenance of a result: the cache key by which a later run tells whether the result still holds."""

import importlib.metadata
from pathlib import Path
from typing import Any

from fer_client.media.fingerprints import fingerprint
from fer_client.media.sources import Source
from fer_client.pipeline.context import Job


def provenance(source: Source, job: Job) -> dict[str, Any]:
    """Return all that decides a result: the input and its content, the settings and the networks.

    Asks the server for the probe's answers at the first call. Raises ServerError.
    """
    weights = Path(job.detector.source)
    affect = {"valence_arousal": job.contract.affect_statement} if job.contract.has_valence_arousal else {}
    return {
        "input": {
            "kind": source.kind,
            "name": source.label,
            "origin": source.origin,
            "fingerprint": source.fingerprint(),
        },
        "settings": job.settings.as_record(source.kind),
        "models": {
            "client": importlib.metadata.version("fer-triton"),
            "fer": job.contract.version,
            "network": job.contract.network,
            "crop_shape": list(job.contract.crop_shape),
            "labels": list(job.contract.labels),
            **affect,
            "answers": job.answers,
            "detector": job.detector.name,
            "detector_weights": fingerprint([weights]) if weights.is_file() else None,
        },
    }
