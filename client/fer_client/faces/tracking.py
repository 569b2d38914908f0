"""Who is who from frame to frame: by position and motion within a shot, by appearance where these fail.

Measured on simulated people who walk, stop, cross and hide each other for 12 s, with the crops of real faces,
12 scenes each of two and five people at 25 and five frames per second: the overlap with the last box alone
changed a person's number 1,553 times and gave 8 % of the boxes another person's number; motion brought that
to 481 and 6 %, appearance beside it to 411 and 2 %, and what follows, which also asks for a least similarity and
knows faces again, to 91 and less than 0.1 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_client.faces.alignment import FaceCrops
from fer_client.faces.boxes import greedy_pairs, iou_matrix
from fer_client.faces.interpolation import MIN_SCORE
from fer_client.media.frame import Image

MIN_IOU = 0.3
"""Least overlap of two boxes of one face. Lower follows faster motion and confuses neighbours sooner."""

MAX_GAP_S = 1.0
"""How long a face may stay unseen and still be found by its place. Longer risks a stranger. Who was seen in the frame
before is not unseen, where analysed frames are far apart: up to MEMORY_S, and up to _LONGER times the step before."""

MIN_SIMILARITY = 0.3
"""Least cosine similarity of two crops of one face whose boxes overlap. Crops of one person, 0.2 s apart, are above
0.79 in 95 % of the cases; higher loses a face that turns away, lower lets a number go over to a person in front."""

REIDENTIFICATION_SIMILARITY = 0.8
"""Cosine similarity that is enough without any overlap. Of different people's crops in the same and in different
clips, 99 % are below 0.75; of one person's, a second apart, more than three quarters are above 0.88."""

MEMORY_S = 10.0
"""How long a face's appearance is remembered, over cuts too: the next shot but one of a conversation. That of the frame
before always is."""

_LONGER = 1.5
"""More than the steps of an even sampling differ; a longer one is an outage, or a frame that stands."""

_EMBEDDING_SIDE = 8
_EMBEDDING_RATE = 0.1
"""Share of the new embedding in the exponential moving average that a track keeps."""

_POSITION_NOISE = 0.05
_ACCELERATION_NOISE = 3.0
_FIRST_SPEED_NOISE = 2.0
"""Standard deviations in sides of the face: of a box's centre, of the change of speed within a second, and of
the speed at first."""


def appearance_embeddings(crops: Image) -> NDArray[np.float32]:
    """Embed each face crop, uint8 [N, H, W, C], as float32 [N, 64 C] of mean 0 and length 1.

    The dot product of two is their cosine similarity in [-1, 1], which is here the correlation of the faces at 8×8
    pixels. More pixels told people apart no better and lost more of one person's own faces.
    """
    size = (_EMBEDDING_SIDE, _EMBEDDING_SIDE)
    small = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA).ravel() for crop in crops]
    rows = np.array(small, np.float32).reshape(len(crops), _EMBEDDING_SIDE**2 * crops.shape[3])
    rows -= rows.sum(axis=1, keepdims=True) / rows.shape[1]
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / (lengths[:, np.newaxis] + 1e-6), np.float32)


@dataclass
class _Motion:
    """Kalman filter of a centre that moves at a constant velocity but for noise (Bar-Shalom 2001, 6.3.2).

    Positions and velocities are complex, x + iy, in pixels and pixels per second. x and y share their covariance
    matrix: the two variances and the covariance of position and velocity.
    """

    position: complex
    side: float
    velocity: complex = 0j

    def __post_init__(self) -> None:
        self._position_variance = (_POSITION_NOISE * self.side) ** 2
        self._covariance = 0.0
        self._velocity_variance = (_FIRST_SPEED_NOISE * self.side) ** 2

    def predict(self, seconds: float) -> complex:
        """Return where the centre should be so many seconds after the last update."""
        return self.position + self.velocity * seconds

    def update(self, measured: complex, side: float, seconds: float) -> None:
        """Correct the state by the measured centre of a box, of this side, `seconds` after the last update."""
        self._predict_covariance(side, seconds)
        predicted = self.predict(seconds)
        innovation = measured - predicted
        innovation_variance = self._position_variance + (_POSITION_NOISE * side) ** 2
        position_gain = self._position_variance / innovation_variance
        velocity_gain = self._covariance / innovation_variance
        self.position = predicted + position_gain * innovation
        self.velocity += velocity_gain * innovation
        self._velocity_variance -= velocity_gain * self._covariance
        self._covariance *= 1 - position_gain
        self._position_variance *= 1 - position_gain
        self.side = side

    def _predict_covariance(self, side: float, seconds: float) -> None:
        """Carry the covariance matrix forward and add the process noise, white in the acceleration."""
        noise = (_ACCELERATION_NOISE * side) ** 2
        self._position_variance += seconds * (2 * self._covariance + seconds * self._velocity_variance)
        self._position_variance += noise * seconds**3 / 3
        self._covariance += seconds * self._velocity_variance + noise * seconds**2 / 2
        self._velocity_variance += noise * seconds


@dataclass
class _Track:
    """One person: the number, the motion within the shot, the last box, and the mean appearance.

    `embedding`: float32 [64 C] of length 1. `is_in_shot`: the motion still tells where the face may be.
    """

    number: int
    motion: _Motion
    size_wh: tuple[float, float]
    embedding: NDArray[np.float32]
    seen_s: float
    is_in_shot: bool = True

    def boxes(self, time_s: float) -> list[list[float]]:
        """Where the face was last, and where its motion would have taken it, as boxes x, y, w, h."""
        width, height = self.size_wh
        centres = self.motion.position, self.motion.predict(max(0.0, time_s - self.seen_s))
        return [[centre.real - width / 2, centre.imag - height / 2, width, height] for centre in centres]


class Tracker:
    """Numbers the faces of one video from 1, in the order of their first appearance.

    A face begins with a detection score of at least `first_score` (hysteresis, as in ByteTrack, Zhang et al. 2022,
    arXiv 2110.06864). Where the detector did not look, the detections before and after were sure, see MIN_SCORE of
    `fer_client.faces.interpolation`.
    """

    def __init__(self, first_score: float = 0.0) -> None:
        self._first_score = first_score
        self._tracks: list[_Track] = []
        self._count = 0
        self._before_s = self._step_s = math.nan

    def follow(self, faces: FaceCrops) -> list[int | None]:
        """Return the track number of each face of the next frame; None for one that is too unsure to begin."""
        boxes, embeddings = faces.boxes_xywh.astype(np.float32), appearance_embeddings(faces.crops)
        may_begin = np.nan_to_num(faces.scores, nan=MIN_SCORE) >= self._first_score
        return self.update(boxes, embeddings, faces.time_s, faces.starts_shot, may_begin.tolist())

    def update(
        self,
        boxes_xywh: NDArray[np.float32],
        embeddings: NDArray[np.float32],
        time_s: float,
        starts_shot: bool = False,
        may_begin: Sequence[bool] | None = None,
    ) -> list[int | None]:
        """Return the track number of each box; None for one that follows none and may not begin one.

        `boxes_xywh`: float32 [N, 4] in pixels. `embeddings`: float32 [N, 64 C], the `appearance_embeddings` of the
        faces in them. `starts_shot`: this is the first frame after a cut, where a position says nothing about a
        person. `may_begin`: whether each may be a face that was not there before; all may by default.
        """
        self._forget(time_s, starts_shot)
        self._step_s, self._before_s = abs(time_s - self._before_s), time_s
        if not len(boxes_xywh):
            return []
        matches = self._match_positions(boxes_xywh, embeddings, time_s)
        unmatched = [
            face
            for face in range(len(boxes_xywh))
            if face not in matches and (may_begin is None or may_begin[face])
        ]
        if unmatched:
            matches |= self._reidentify(unmatched, embeddings, [track.number for track in matches.values()])
        return [
            self._update_track(matches.get(face), box, embeddings[face], time_s)
            if face in matches or face in unmatched
            else None
            for face, box in enumerate(boxes_xywh.tolist())
        ]

    def _forget(self, time_s: float, starts_shot: bool) -> None:
        ages = [(track, abs(time_s - track.seen_s), track.seen_s == self._before_s) for track in self._tracks]
        longest_s = MEMORY_S if math.isnan(self._step_s) else min(MEMORY_S, _LONGER * self._step_s)
        for track, age_s, was_there in ages:
            is_near = age_s <= MAX_GAP_S or (was_there and age_s <= longest_s)
            track.is_in_shot &= not starts_shot and is_near
        self._tracks = [track for track, age_s, was_there in ages if was_there or age_s <= MEMORY_S]

    def _match_positions(
        self, boxes_xywh: NDArray[np.float32], embeddings: NDArray[np.float32], time_s: float
    ) -> dict[int, _Track]:
        tracks = [track for track in self._tracks if track.is_in_shot]
        if not tracks:
            return {}
        boxes = np.array([track.boxes(time_s) for track in tracks], np.float32).reshape(-1, 4)
        overlap = iou_matrix(boxes_xywh, boxes).reshape(len(boxes_xywh), len(tracks), 2).max(axis=2)
        similarity = embeddings @ np.stack([track.embedding for track in tracks]).T
        is_possible = (overlap >= MIN_IOU) & (similarity >= MIN_SIMILARITY)
        gain = np.where(is_possible, overlap + similarity, -np.inf)
        return {face: tracks[track] for face, track in greedy_pairs(gain, -np.inf)}

    def _reidentify(
        self, faces: list[int], embeddings: NDArray[np.float32], taken: list[int]
    ) -> dict[int, _Track]:
        tracks = [track for track in self._tracks if track.number not in taken]
        if not tracks:
            return {}
        similarity = embeddings[faces] @ np.stack([track.embedding for track in tracks]).T
        pairs = greedy_pairs(similarity, REIDENTIFICATION_SIMILARITY)
        return {faces[row]: tracks[track] for row, track in pairs}

    def _update_track(
        self, track: _Track | None, box_xywh: list[float], embedding: NDArray[np.float32], time_s: float
    ) -> int:
        """Take a face into its track, or begin one; return the track's number."""
        x, y, width, height = box_xywh
        centre, side = complex(x + width / 2, y + height / 2), max(width, height, 1.0)
        if track is None:
            self._count += 1
            track = _Track(self._count, _Motion(centre, side), (width, height), embedding, time_s)
            self._tracks.append(track)
        elif track.is_in_shot:
            track.motion.update(centre, side, max(0.0, time_s - track.seen_s))
        else:
            track.motion, track.is_in_shot = _Motion(centre, side), True
        mean = track.embedding + _EMBEDDING_RATE * (embedding - track.embedding)
        track.embedding = np.asarray(mean / (math.sqrt(mean @ mean) + 1e-6), np.float32)
        track.size_wh, track.seen_s = (width, height), time_s
        return track.number
