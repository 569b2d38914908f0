"""All that can be made of a result, in the order in which it is made."""

from fer_client.visuals.report import Report
from fer_client.visuals.visual import Visual

VISUALS: tuple[Visual, ...] = (Report(),)
