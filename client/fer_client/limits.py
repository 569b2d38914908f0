"""A video of which only a part is read: for so many seconds, or until somebody says that it is enough."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fer_client.frames import Frame, Video, VideoInfo


@dataclass(frozen=True)
class LimitedVideo:
    """Another video's frames until `duration_s` have passed since its first, or `is_enough` says so."""

    video: Video
    duration_s: float | None
    is_enough: Callable[[], bool]

    @property
    def info(self) -> VideoInfo:
        """What is declared about the whole."""
        return self.video.info

    @property
    def damage(self) -> str | None:
        """What was damaged in the part that was read."""
        return self.video.damage

    @property
    def end_s(self) -> float | None:
        """When the part ends, in presentation time; None where that is not known."""
        info = self.video.info
        ends = [length for length in (info.duration_s, self.duration_s) if length is not None]
        return info.start_s + min(ends) if ends and not info.is_live else None

    def frames(self, allow_damage: bool = False) -> Iterator[Frame]:
        """Yield the frames of the part."""
        first_s: float | None = None
        for frame in self.video.frames(allow_damage):
            first_s = frame.time_s if first_s is None else first_s
            is_over = self.duration_s is not None and frame.time_s - first_s >= self.duration_s
            if is_over or self.is_enough():
                return
            yield frame
