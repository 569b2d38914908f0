"""How a result was measured, in words: what the reader of a report needs to judge it or to repeat it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fer_client.printable import counted, printable
from fer_client.settings import setting_options

_SHOWN_DIGITS = 12
"""Of a checksum or fingerprint."""


def measured(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and texts, made of what summary.json holds; what a result of another release lacks is left out.

    Neither addresses nor folders are among them.
    """
    return [(printable(name), printable(text)) for name, text in _facts(summary) if text]


def _facts(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    models = summary.get("models", {})
    yield "analysed", str(summary.get("analysed_at") or "").replace("T", " ").replace("+00:00", " UTC")
    yield "input", _video(summary.get("video") or {})
    yield "frames", _frames(summary)
    yield "network", _network(models)
    yield "its labels", ", ".join(models.get("labels", []))
    yield "its answers for four drawn faces", _answers(models)
    yield "face detector", _with_sum(models.get("detector"), "fingerprint", models.get("detector_weights"))
    yield "server", str(summary.get("server") or "")
    yield "program", f"fer-client {models['client']}" if models.get("client") else ""
    yield "settings", ", ".join(_settings(summary.get("settings", {})))


def _video(video: Mapping[str, Any]) -> str:
    if not video.get("codec"):
        return ""
    length = "" if video.get("duration_s") is None else f", {video['duration_s']:.1f} s"
    return f"{video['codec']}, {video['width']}×{video['height']}{length}"


def _frames(summary: Mapping[str, Any]) -> str:
    if summary["input"].get("kind") == "photographs":
        return ""
    decoded, detected = summary["frames_decoded"], summary.get("frames_detected")
    looked_at = "" if detected is None else f"; the detector looked at {detected}"
    return f"{summary['frames_analysed']} of {counted(decoded, 'frame')} analysed{looked_at}"


def _network(models: Mapping[str, Any]) -> str:
    if not models.get("fer"):
        return ""
    shape = "×".join(str(length) for length in models.get("crop_shape", []))
    version = _with_sum(f"version {models['fer']}", "SHA-256", models.get("network"))
    return f"{version}, crops of {shape}" if shape else version


def _with_sum(name: str | None, kind: str, digits: str | None) -> str:
    return (name or "") + (f", {kind} {digits[:_SHOWN_DIGITS]}…" if name and digits else "")


def _answers(models: Mapping[str, Any]) -> str:
    """Two servers that differ in these serve different networks, whatever they say of them."""
    labels: Sequence[str] = models.get("labels", [])
    best = (max(zip(answer, labels, strict=False), default=None) for answer in models.get("answers") or [])
    return ", ".join(f"{label} {100 * probability:.1f} %" for probability, label in filter(None, best))


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Name them as the command line does; what is off or was not given is left out."""
    options = setting_options()
    for name, value in settings.items():
        if value is not None and value is not False:
            shown = options[name].names.split()[0] if name in options else name
            yield shown if value is True else f"{shown} {value}"
