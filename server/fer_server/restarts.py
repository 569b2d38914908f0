"""How often a server that fails is started again, and after which pauses."""

from dataclasses import dataclass, field

WINDOW_S = 600.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


@dataclass
class Restarts:
    """Allows `most` restarts within WINDOW_S seconds: one that fails again and again has a cause that stays."""

    most: int
    times_s: list[float] = field(default_factory=list)

    def pause_s(self, now_s: float) -> float | None:
        """Count a restart; give the seconds to wait before it, None where it is one too many."""
        self.times_s = [time_s for time_s in self.times_s if now_s - time_s < WINDOW_S]
        if len(self.times_s) >= self.most:
            return None
        self.times_s.append(now_s)
        before = len(self.times_s) - 1
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (before - 1)) if before else 0.0

    def verdict(self) -> str:
        """Say how often it failed."""
        return f"It failed {len(self.times_s) + 1} times within {WINDOW_S / 60:g} minutes"
