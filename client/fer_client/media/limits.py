"""A video of which only a part is read: for so many seconds, or until it is told to stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fer_client.media.frame import Frame, Video, VideoInfo


@dataclass
class LimitedVideo:
    """Another video's frames for `duration_s` seconds from its first, all for None, or until `is_enough` says so."""

    video: Video
    duration_s: float | None
    is_enough: Callable[[], bool]
    _first: tuple[float, datetime] | None = field(default=None, init=False)

    @property
    def info(self) -> VideoInfo:
        """What is known of the whole video."""
        return self.video.info

    @property
    def corruption(self) -> str | None:
        """What is damaged or missing in the part that was read."""
        return self.video.corruption

    @property
    def start_s(self) -> float:
        """The presentation time of the first frame that was read, else that at which the whole video starts."""
        return self._first[0] if self._first else self.video.info.start_s

    @property
    def end_s(self) -> float | None:
        """When the part ends, in presentation time, or what of a damaged video could be read; None if not known."""
        info = self.video.info
        if info.is_live:
            return None
        ends = [
            None if info.duration_s is None else info.start_s + info.duration_s,
            None if self.duration_s is None else self.start_s + self.duration_s,
            info.shown_until_s if self.video.corruption else None,
        ]
        return min((end for end in ends if end is not None), default=None)

    def start_clock(self, time_s: float) -> None:
        """Take this as the presentation time of the first frame, which comes now."""
        self._first = time_s, datetime.now(UTC)

    def wall_time(self, time_s: float) -> datetime:
        """Tell when a frame of a live stream came, in UTC: as long after the first as its presentation time says.

        Raises ValueError before there is a first frame.
        """
        if self._first is None:
            raise ValueError("expected a frame before its wall-clock time is asked for")
        first_s, first_came = self._first
        return first_came + timedelta(seconds=time_s - first_s)

    def frames(self, allow_corruption: bool = False) -> Iterator[Frame]:
        """Yield the frames of the part. Raises what the whole video raises."""
        first_s: float | None = None
        for frame in self.video.frames(allow_corruption):
            if first_s is None:
                first_s = frame.time_s
                self.start_clock(first_s)
            is_over = self.duration_s is not None and frame.time_s - first_s >= self.duration_s
            if is_over or self.is_enough():
                return
            yield frame
