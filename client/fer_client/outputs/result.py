"""One input from its frames to its result folder; rows are written as they come."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fer_client.media.sources import Source
from fer_client.outputs.episodes_table import EpisodesTable
from fer_client.outputs.faces_table import FacesTable
from fer_client.outputs.output import follow
from fer_client.outputs.provenance import provenance
from fer_client.outputs.result_folder import result_folder
from fer_client.outputs.summary_file import SummaryFile
from fer_client.pipeline.analysis import Analysis, Progress, open_analysis
from fer_client.pipeline.context import Job


def write_result(
    source: Source, target: Path, job: Job, report: Callable[[Progress], None], replaces: bool = True
) -> tuple[dict[str, Any], Path]:
    """Analyse one input into the folder `target`; return what summary.json holds, and the folder.

    An earlier result there is replaced, or stays where the new one `replaces` none: then this gets the next free
    number. Raises InputError, ServerError, UsageError or Interrupted; then `target` is as it was before.
    """
    known = provenance(source, job)
    with open_analysis(source, job) as analysis:
        return write_analysis(analysis, known, target, report, replaces)


def write_analysis(
    analysis: Analysis,
    known: Mapping[str, Any],
    target: Path,
    report: Callable[[Progress], None],
    replaces: bool,
) -> tuple[dict[str, Any], Path]:
    """Write an input under analysis, whose provenance is `known`, as `write_result` does."""
    with result_folder(target, replaces) as draft:
        summary = SummaryFile(analysis, known, draft.folder)
        faces = FacesTable(analysis, draft.folder)
        follow(analysis, [faces, EpisodesTable(analysis, draft.folder, summary.add_episode), summary], report)
    return summary.result, draft.place
