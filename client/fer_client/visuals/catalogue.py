"""All that can be made of a result, in the order in which it is made."""

from fer_client.visuals.copies import AnnotatedCopy, AnonymizedCopy
from fer_client.visuals.visual import Visual

VISUALS: tuple[Visual, ...] = (AnnotatedCopy(), AnonymizedCopy())
