"""All that can be made of a result, in the order in which it is made."""

from fer_client.visuals.relative import BaselineTable, RelativeTable
from fer_client.visuals.report import Report
from fer_client.visuals.visual import Visual

VISUALS: tuple[Visual, ...] = (RelativeTable(), BaselineTable(), Report())
