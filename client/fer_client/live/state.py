"""What the page says of the source and of a recording."""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """How the source is."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True)
class State:
    """The condition of the source; `reason` says why a stream is waited for, `pause_s` how long."""

    condition: Condition
    reason: str = ""
    pause_s: float = 0.0

    @property
    def sentence(self) -> str:
        """Say it to the people who watch."""
        if self.condition is Condition.WAITING:
            return f"Connecting again in {self.pause_s:g} s: {self.reason.rstrip('.')}."
        return {
            Condition.CONNECTING: "Connecting.",
            Condition.LIVE: "Live.",
            Condition.ENDED: "The source has ended.",
        }[self.condition]


class Phase(StrEnum):
    """How a recording is."""

    OFF = "off"
    ON = "on"
    SAVING = "saving"
    SAVED = "saved"
    FAILED = "failed"


@dataclass(frozen=True)
class RecordingState:
    """The phase of a recording, and a sentence about it, empty where there is nothing to say."""

    phase: Phase
    sentence: str = ""
