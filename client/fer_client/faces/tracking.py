"""Who is who from frame to frame: by place and motion within a shot, by looks where these fail.

Measured on simulated people who walk, stop, cross and hide each other for 12 s, with the looks of real faces,
12 scenes each of two and five people at 25 and five frames per second: the overlap with the last box alone
changed a person's number 1,553 times and gave 8 % of the boxes another person's number; motion brought that
to 481 and 6 %, looks beside it to 411 and 2 %, and what follows, which also asks for some likeness and knows
faces again, to 91 and less than 0.1 %.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.faces.alignment import FaceCrops
from fer_client.faces.boxes import greedy_pairs, iou_matrix
from fer_client.media.video import Image

MIN_IOU = 0.3
"""Least overlap of two boxes of one face. Lower follows faster motion and confuses neighbours sooner."""

MAX_GAP_S = 1.0
"""How long a face may stay unseen and still be found by its place. Longer risks a stranger."""

MIN_LIKENESS = 0.3
"""Least likeness of two boxes of one face that overlap. Faces of one person, 0.2 s apart, are above 0.79 in
95 % of the cases; higher loses a face that turns away, lower lets a number go over to a person in front."""

KNOWN_LIKENESS = 0.8
"""Likeness that is enough without any overlap. Of different people's faces in the same and in different clips,
99 % are below 0.75; of one person's, a second apart, more than three quarters are above 0.88."""

MEMORY_S = 10.0
"""How long a face is remembered by its looks, over cuts too: the next shot but one of a conversation."""

_LOOK_SIDE = 8
_LOOK_PACE = 0.1
_POSITION_NOISE = 0.05
_ACCELERATION_NOISE = 3.0
_FIRST_SPEED_NOISE = 2.0
"""Standard deviations in sides of the face: of a box's centre, of the change of speed within a second, and of
the speed at first."""


def looks(crops: Image) -> NDArray[np.float32]:
    """Describe each face crop, uint8 [N, H, W, C], by float32 [N, 64 C] of mean 0 and length 1.

    The dot product of two is their likeness in [-1, 1]: the correlation of 8×8 pictures of the faces. Finer
    pictures told people apart no better and lost more of one person's own faces.
    """
    size = (_LOOK_SIDE, _LOOK_SIDE)
    small = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA).ravel() for crop in crops]
    rows = np.array(small, np.float32).reshape(len(crops), _LOOK_SIDE**2 * crops.shape[3])
    rows -= rows.sum(axis=1, keepdims=True) / rows.shape[1]
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / (lengths[:, np.newaxis] + 1e-6), np.float32)


@dataclass
class _Motion:
    """Kalman filter of a centre that moves at a constant velocity but for noise (Bar-Shalom 2001, 6.3.2).

    Places and velocities are complex, x + iy, in pixels and seconds; x and y share their variances.
    """

    place: complex
    side: float
    velocity: complex = 0j

    def __post_init__(self) -> None:
        self._place_variance = (_POSITION_NOISE * self.side) ** 2
        self._covariance = 0.0
        self._velocity_variance = (_FIRST_SPEED_NOISE * self.side) ** 2

    def after(self, seconds: float) -> complex:
        """Return where the centre should be by then."""
        return self.place + self.velocity * seconds

    def see(self, place: complex, side: float, seconds: float) -> None:
        """Take in the centre and side of a box that came `seconds` after the last."""
        noise = (_ACCELERATION_NOISE * side) ** 2
        self._place_variance += seconds * (2 * self._covariance + seconds * self._velocity_variance)
        self._place_variance += noise * seconds**3 / 3
        self._covariance += seconds * self._velocity_variance + noise * seconds**2 / 2
        self._velocity_variance += noise * seconds
        surprise = place - self.after(seconds)
        total = self._place_variance + (_POSITION_NOISE * side) ** 2
        place_gain, velocity_gain = self._place_variance / total, self._covariance / total
        self.place = self.after(seconds) + place_gain * surprise
        self.velocity += velocity_gain * surprise
        self._velocity_variance -= velocity_gain * self._covariance
        self._covariance *= 1 - place_gain
        self._place_variance *= 1 - place_gain
        self.side = side


@dataclass
class _Track:
    number: int
    motion: _Motion
    size_wh: tuple[float, float]
    look: NDArray[np.float32]
    seen_s: float
    is_in_shot: bool = True

    def boxes(self, time_s: float) -> list[list[float]]:
        """Where the face was last, and where its motion would have taken it, as boxes x, y, w, h."""
        width, height = self.size_wh
        places = self.motion.place, self.motion.after(max(0.0, time_s - self.seen_s))
        return [[place.real - width / 2, place.imag - height / 2, width, height] for place in places]


class Tracker:
    """Numbers the faces of one video from 1, in the order of their first appearance."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._count = 0

    def follow(self, faces: FaceCrops) -> list[int]:
        """Return the track number of each face of the next frame."""
        boxes = faces.boxes_xywh.astype(np.float32)
        return self.update(boxes, looks(faces.crops), faces.time_s, faces.starts_shot)

    def update(
        self,
        boxes_xywh: NDArray[np.float32],
        look: NDArray[np.float32],
        time_s: float,
        starts_shot: bool = False,
    ) -> list[int]:
        """Return the track number of each box.

        `boxes_xywh`: float32 [N, 4] in pixels; `look`: what `looks` says of the faces in them;
        `starts_shot`: this is the first frame after a cut, where a place says nothing about a person.
        """
        self._tracks = [track for track in self._tracks if abs(time_s - track.seen_s) <= MEMORY_S]
        for track in self._tracks:
            track.is_in_shot &= not starts_shot and abs(time_s - track.seen_s) <= MAX_GAP_S
        if not len(boxes_xywh):
            return []
        found = self._by_place(boxes_xywh, look, time_s)
        strangers = [face for face in range(len(boxes_xywh)) if face not in found]
        if strangers:
            found |= self._by_looks(strangers, look, [track.number for track in found.values()])
        return [
            self._see(found.get(face), box, look[face], time_s)
            for face, box in enumerate(boxes_xywh.tolist())
        ]

    def _by_place(
        self, boxes_xywh: NDArray[np.float32], look: NDArray[np.float32], time_s: float
    ) -> dict[int, _Track]:
        tracks = [track for track in self._tracks if track.is_in_shot]
        if not tracks:
            return {}
        places = np.array([track.boxes(time_s) for track in tracks], np.float32).reshape(-1, 4)
        overlap = iou_matrix(boxes_xywh, places).reshape(len(boxes_xywh), len(tracks), 2).max(axis=2)
        likeness = look @ np.stack([track.look for track in tracks]).T
        gain = np.where((overlap >= MIN_IOU) & (likeness >= MIN_LIKENESS), overlap + likeness, -np.inf)
        return {face: tracks[track] for face, track in greedy_pairs(gain, -np.inf)}

    def _by_looks(self, faces: list[int], look: NDArray[np.float32], taken: list[int]) -> dict[int, _Track]:
        tracks = [track for track in self._tracks if track.number not in taken]
        if not tracks:
            return {}
        likeness = look[faces] @ np.stack([track.look for track in tracks]).T
        return {faces[row]: tracks[track] for row, track in greedy_pairs(likeness, KNOWN_LIKENESS)}

    def _see(
        self, track: _Track | None, box_xywh: list[float], look: NDArray[np.float32], time_s: float
    ) -> int:
        x, y, width, height = box_xywh
        place, side = complex(x + width / 2, y + height / 2), max(width, height, 1.0)
        if track is None:
            self._count += 1
            track = _Track(self._count, _Motion(place, side), (width, height), look, time_s)
            self._tracks.append(track)
        elif track.is_in_shot:
            track.motion.see(place, side, max(0.0, time_s - track.seen_s))
        else:
            track.motion, track.is_in_shot = _Motion(place, side), True
        mixed = track.look + _LOOK_PACE * (look - track.look)
        track.look = np.asarray(mixed / (math.sqrt(mixed @ mixed) + 1e-6), np.float32)
        track.size_wh, track.seen_s = (width, height), time_s
        return track.number
