"""What the template of a report shows as plain text, and the facts that its scripts are given."""

from collections.abc import Mapping
from typing import Any

from fer_client.outputs.stored_result import StoredResult
from fer_client.outputs.summary import UNCERTAIN
from fer_client.palette import colours
from fer_client.printable import printable
from fer_client.visuals.measured import measured
from fer_client.visuals.report_media import Media
from fer_client.visuals.thumbnails import choose_sightings

_KINDS = {
    "video": "Video",
    "stream": "Stream",
    "sequence": "Pictures as a film",
    "photographs": "Photographs",
}


def palette_of(result: StoredResult) -> dict[str, str]:
    """Return the colour of each label, and of answers that count as uncertain."""
    return colours([*result.labels, *([] if UNCERTAIN in result.labels else [UNCERTAIN])])


def span_of(result: StoredResult) -> tuple[float, float]:
    """Return the first time and the end of the last frame, in seconds; never the same."""
    first_s = float(result.times_s[0])
    end_s = max(first_s + float(result.summary["seconds_analysed"]), float(result.times_s[-1]))
    return first_s, max(end_s, first_s + 0.1)


def context_of(result: StoredResult, media: Media) -> dict[str, Any]:
    """Return what the templates of reports name."""
    summary = result.summary
    palette = palette_of(result)
    first_s, last_s = span_of(result) if len(result.times_s) else (0.0, 0.0)
    return {
        "title": printable(str(summary["input"]["name"])),
        "subject": _KINDS.get(summary["input"]["kind"], ""),
        "is_photographs": summary["input"]["kind"] == "photographs",
        "summary": summary,
        "warnings": [printable(sentence) for sentence in summary["warnings"]],
        "palette": palette,
        "overall": shares_of(summary["overall"], palette),
        "people": people_of(result, media, palette),
        "media": media.facts,
        "has_affect": result.has_valence_arousal,
        "measured": measured(summary),
        "length_s": last_s - first_s,
    }


def shares_of(part: Mapping[str, Any], palette: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the shares above 0 of a part of a summary, each with its colour, in the order of the labels."""
    return [
        {"label": label, "share": part["share"][label], "colour": colour}
        for label, colour in palette.items()
        if part["share"].get(label)
    ]


def people_of(result: StoredResult, media: Media, palette: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return each face's place in the summary with its shares and thumbnails, those first that were seen longest."""
    tracks = {int(track["track"]): track for track in result.summary["tracks"]}
    pictures: dict[int, list[dict[str, Any]]] = {number: [] for number in tracks}
    for row in choose_sightings(result.faces, result.tracks):
        if row in media.thumbnails:
            sighting = {"url": media.thumbnails[row], "time_s": float(result.faces.time_s[row])}
            pictures[int(result.faces.track[row])].append(sighting)
    return [
        tracks[number] | {"shares": shares_of(tracks[number], palette), "pictures": pictures[number]}
        for number in result.tracks
    ]
