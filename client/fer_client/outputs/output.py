"""The interface of everything that is made of the analysed frames of one input."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from fer_client.pipeline.analysis import Analysis, Progress
from fer_client.temporal.frame import AnalysedFrame


class Output(ABC):
    """Takes the analysed frames in order; `finish` after the last of them, `close` whatever happens."""

    @abstractmethod
    def add(self, frame: AnalysedFrame) -> None:
        """Take one frame."""

    def finish(self) -> None:  # noqa: B027 - most have nothing left to say
        """Say what only the end of the input tells."""

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Let go of files; called once, also after an error."""


def follow(analysis: Analysis, outputs: Sequence[Output], report: Callable[[Progress], None]) -> None:
    """Pass every frame of the input on to the outputs, which are finished in their order, and closed.

    Raises what the analysis raises, and Interrupted where a signal has come.
    """
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(closing(output))
        for frame in analysis.frames:
            with analysis.clock.time("write"):
                for output in outputs:
                    output.add(frame)
            report(analysis.progress(frame))
            analysis.job.interruption.check()
        for output in outputs:
            output.finish()
