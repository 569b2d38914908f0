"""The output `summary.json`: the result of a whole input, and what it was made of."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fer_client.errors import InputError
from fer_client.media.limits import LimitedVideo
from fer_client.outputs.output import Output
from fer_client.outputs.result_warnings import result_warnings
from fer_client.outputs.summary import Summary
from fer_client.pipeline.analysis import Analysis
from fer_client.temporal.episodes import Episode
from fer_client.temporal.frame import AnalysedFrame


class SummaryRecord(Output):
    """Makes the summary; `result` is what summary.json holds, empty until the input is finished.

    `provenance` is the input's from before it was opened.
    """

    def __init__(self, analysis: Analysis, provenance: Mapping[str, Any]) -> None:
        job = analysis.job
        labels, settings = job.contract.labels, job.settings
        self._analysis = analysis
        self._provenance = dict(provenance)
        self._summary = Summary(labels, job.contract.has_valence_arousal, settings.min_confidence)
        self._started_s = time.perf_counter()
        self.result: dict[str, Any] = {}

    def add(self, frame: AnalysedFrame) -> None:
        """Count one frame."""
        self._summary.add(frame)

    def add_episode(self, episode: Episode) -> None:
        """Count one episode."""
        self._summary.add_episode(episode)

    def finish(self) -> None:
        """Make the result.

        Raises InputError where the input is no longer what was opened: of a file that grows, only a part was read.
        """
        source = self._analysis.source
        if source.fingerprint() != self._provenance["input"]["fingerprint"]:
            raise InputError(
                f"{source.shown}: expected an input that stays as it is, but it changed while it was analysed, so "
                "the result is not kept. Give the same command again once nothing writes to it."
            )
        total_s = round(time.perf_counter() - self._started_s, 3)
        stages = self._analysis.clock.result() | {"total": total_s}
        findings = _findings(self._analysis, self._summary)
        analysed_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.result = self._provenance | findings | {"analysed_at": analysed_at, "stage_seconds": stages}


class SummaryFile(SummaryRecord):
    """Writes the summary."""

    file_name = "summary.json"

    def __init__(self, analysis: Analysis, provenance: Mapping[str, Any], folder: Path) -> None:
        super().__init__(analysis, provenance)
        self._path = folder / self.file_name

    def finish(self) -> None:
        """Make the result and write it."""
        super().finish()
        self._path.write_text(json.dumps(self.result, indent=2) + "\n", encoding="utf-8")


def _findings(analysis: Analysis, summary: Summary) -> dict[str, Any]:
    corruption = analysis.video.corruption if analysis.video else None
    return {
        "warnings": list(result_warnings(analysis.job.detector.name, corruption, summary.times_backwards)),
        "server": analysis.job.server_version,
        "video": None if analysis.video is None else _video_record(analysis.video, summary),
        "unreadable": {path.name: str(error) for path, error in analysis.unreadable.items()},
        "frames_decoded": analysis.counter.decoded if analysis.video else summary.frames_analysed,
        "frames_detected": analysis.clock.count("detect"),
        **summary.result(),
    }


def _video_record(video: LimitedVideo, summary: Summary) -> dict[str, Any]:
    info = video.info
    return {
        "name": info.name,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "rotation_deg": info.rotation_deg,
        "start_s": video.start_s,
        "duration_s": info.duration_s,
        "is_live": info.is_live,
        "damage": video.corruption,
        "times_backwards": summary.times_backwards,
    }
