"""The output `faces`: a record for every face of every frame."""

from collections.abc import Callable
from pathlib import Path

from fer_client.outputs.face_records import FaceRecord, columns, records
from fer_client.outputs.output import Output
from fer_client.outputs.tables import FORMATS
from fer_client.pipeline.analysis import Analysis
from fer_client.temporal.frame import AnalysedFrame


class FaceRecords(Output):
    """Makes the records of every frame and hands them to `take`."""

    def __init__(self, analysis: Analysis, take: Callable[[FaceRecord], None]) -> None:
        self._analysis = analysis
        self._take = take

    def add(self, frame: AnalysedFrame) -> None:
        """Make the records of one frame."""
        for record in records_of(self._analysis, frame):
            self._take(record)


class FacesTable(FaceRecords):
    """Writes the records as a table."""

    name = "faces"

    def __init__(self, analysis: Analysis, folder: Path) -> None:
        settings, labels = analysis.job.settings, analysis.job.contract.labels
        table = FORMATS[settings.table_format](folder, self.name, columns(labels, analysis.is_live))
        super().__init__(analysis, lambda record: table.write(record.row(labels)))
        self._table = table

    def close(self) -> None:
        """Close the file."""
        self._table.close()


def records_of(analysis: Analysis, frame: AnalysedFrame) -> list[FaceRecord]:
    """Make the records of one frame of an input."""
    source = analysis.source.name_of_frame(frame.index)
    return list(records(frame, analysis.job.contract.labels, source, analysis.wall_time(frame)))
