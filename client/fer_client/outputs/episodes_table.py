"""The output `episodes`: who showed which expression from when to when."""

from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path

from fer_client.outputs.output import Output
from fer_client.outputs.tables import FORMATS
from fer_client.pipeline.analysis import Analysis
from fer_client.temporal.episodes import Episode, Episodes
from fer_client.temporal.frame import AnalysedFrame

EPISODE_COLUMNS: dict[str, type] = {
    field.name: {"track": int, "expression": str}.get(field.name, float) for field in fields(Episode)
}

Taker = Callable[[Episode], None]


class EpisodeRecords(Output):
    """Finds the episodes and hands each, when it is over, to everyone who takes them."""

    def __init__(self, analysis: Analysis, *takers: Taker) -> None:
        settings = analysis.job.settings
        self._episodes = Episodes(analysis.job.contract.labels, settings.min_episode_s)
        self._takers = takers

    def add(self, frame: AnalysedFrame) -> None:
        """Hand on the episodes that are over by this frame."""
        for episode in self._episodes.add(frame):
            self._hand_on(episode)

    def finish(self) -> None:
        """Hand on those that last until the end."""
        for episode in self._episodes.rest():
            self._hand_on(episode)

    def _hand_on(self, episode: Episode) -> None:
        for take in self._takers:
            take(episode)


class EpisodesTable(EpisodeRecords):
    """Writes the episodes as a table."""

    name = "episodes"

    def __init__(self, analysis: Analysis, folder: Path, *takers: Taker) -> None:
        table = FORMATS[analysis.job.settings.table_format](folder, self.name, EPISODE_COLUMNS)
        super().__init__(analysis, lambda episode: table.write(astuple(episode)), *takers)
        self._table = table

    def close(self) -> None:
        """Close the file."""
        self._table.close()
