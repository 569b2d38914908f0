"""What is drawn on a face: a box in its expression's colour, and beside it a plate that says what it shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_client.palette import rgb
from fer_client.visuals.canvas import Area, Canvas
from fer_client.visuals.plates import Plate, render

_LEAST_CAPITAL = 6
_OUTLINE = (0, 0, 0)
_OUTLINE_OPACITY = 0.55
_STAYS = 0.2
"""Share of a plate that another place must keep free of other faces before it moves there: plates do not jump."""


@dataclass(frozen=True)
class Mark:
    """One face of one frame: whole pixels of its box, and what its plate says. `number` tells it from the others."""

    number: int
    area: Area
    lines: tuple[str, ...]
    share: float
    colour: str


class Marker:
    """Draws the marks of one video, frame by frame; remembers on which side of its face each plate stands."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        side = min(size_wh)
        self.size_wh = size_wh
        self._capital = max(_LEAST_CAPITAL, round(4 + side / 52))
        self._line = max(1, round(side / 160))
        self._sides: dict[int, int] = {}

    def draw(self, canvas: Canvas, marks: Sequence[Mark]) -> None:
        """Draw all boxes, then all plates over them."""
        for mark in marks:
            self._draw_box(canvas, mark)
        taken: list[Area] = []
        for mark in marks:
            plate = render(Plate(mark.lines, round(mark.share, 2), mark.colour, self._capital))
            height, width = plate.opacity.shape
            others = [other.area for other in marks if other is not mark]
            area = self._place(mark, (width, height), [*others, *taken])
            canvas.put(plate, area.left, area.top)
            taken.append(area)

    def _draw_box(self, canvas: Canvas, mark: Mark) -> None:
        """Draw the lines just outside of the face, each between two darker ones that stand out on light."""
        edge = max(1, self._line // 2)
        for low, high, colour, opacity in (
            (0, self._line + 2 * edge, _OUTLINE, _OUTLINE_OPACITY),
            (edge, self._line + edge, rgb(mark.colour), 1.0),
        ):
            for area in _frame(mark.area, low, high):
                canvas.fill(area, colour, opacity)

    def _place(self, mark: Mark, size_wh: tuple[int, int], occupied: Sequence[Area]) -> Area:
        """Choose the side where the plate hides least of other faces and plates, and keep it while that is so."""
        margin = self._line + 2 * max(1, self._line // 2)
        places = [self._inside(area) for area in _places(mark.area, size_wh, margin)]
        pixels = size_wh[0] * size_wh[1]
        costs = [
            sum(_overlap(area, other) for other in occupied) / pixels
            + 0.5 * _overlap(area, mark.area) / pixels
            + 0.01 * place
            for place, area in enumerate(places)
        ]
        best = min(range(len(places)), key=costs.__getitem__)
        before = self._sides.get(mark.number, best)
        side = before if costs[before] <= costs[best] + _STAYS else best
        self._sides[mark.number] = side
        return places[side]

    def _inside(self, area: Area) -> Area:
        """Move a plate so far that the picture has all of it, if it is not larger than the picture."""
        width, height = area.right - area.left, area.bottom - area.top
        left = max(0, min(area.left, self.size_wh[0] - width))
        top = max(0, min(area.top, self.size_wh[1] - height))
        return Area(left, top, left + width, top + height)


def _places(face: Area, size_wh: tuple[int, int], margin: int) -> Iterator[Area]:
    """Above the face, below it, to the right and to the left, and across its top; the best-known place first."""
    width, height = size_wh
    corners = (
        (face.left - margin, face.top - margin - height),
        (face.left - margin, face.bottom + margin),
        (face.right + margin, face.top),
        (face.left - margin - width, face.top),
        (face.left, face.top),
    )
    for left, top in corners:
        yield Area(left, top, left + width, top + height)


def _frame(face: Area, low: int, high: int) -> Iterator[Area]:
    """Four strips around a face, from `low` to before `high` pixels away from it."""
    left, top, right, bottom = face.left - high, face.top - high, face.right + high, face.bottom + high
    yield Area(left, top, right, face.top - low)
    yield Area(left, face.bottom + low, right, bottom)
    yield Area(left, face.top - low, face.left - low, face.bottom + low)
    yield Area(face.right + low, face.top - low, right, face.bottom + low)


def _overlap(area: Area, other: Area) -> int:
    width = min(area.right, other.right) - max(area.left, other.left)
    height = min(area.bottom, other.bottom) - max(area.top, other.top)
    return max(0, width) * max(0, height)
