"""One page that looks: it gets the newest picture whenever it has shown the one before, and never more."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fer_client.live.board import Board
from fer_client.live.picture import Picture
from fer_client.live.state import Condition
from fer_client.live.view import percentiles

_UNSHOWN = 2
"""Pictures on their way to a page: one is sent while the one before is drawn."""

_DELAYS = 150
"""Of the last so many pictures a page is told the delays: 5 s at 30 frames/s."""


@dataclass(frozen=True)
class Show:
    """What every page is told: `hello` once, `figures` with each picture.

    `record` takes whether to record, `shown` the seconds from a frame's coming until a page has shown it.
    """

    board: Board
    hello: Mapping[str, Any]
    figures: Callable[[], Mapping[str, Any]]
    record: Callable[[bool], None]
    shown: Callable[[float], None]


class Viewer:
    """A page's side of the connection: what it wants, and what it has been sent."""

    def __init__(self, socket: WebSocket, show: Show, may_command: bool) -> None:
        self._socket = socket
        self._show = show
        self._may_command = may_command
        self._wake = asyncio.Event()
        self._width = 960
        self._is_paused = False
        self._last = -1
        self._unshown: dict[int, float] = {}
        self._delays_s: deque[float] = deque(maxlen=_DELAYS)

    async def serve(self) -> None:
        """Send and take until the page or the view goes.

        An error of either is raised, after the connection is closed with code 1011, so that the page asks again.
        """
        await self._socket.send_json({"type": "hello", "may_record": self._may_command, **self._show.hello})
        with self._show.board.waking(self._wake):
            tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and self._is_open():
                await self._socket.close(1011)
                raise end

    def _is_open(self) -> bool:
        """Whether neither side has closed: what fails after that fails because of it."""
        states = self._socket.client_state, self._socket.application_state
        return WebSocketState.DISCONNECTED not in states

    async def _send(self) -> None:
        told: dict[str, Any] | None = None
        while True:
            self._wake.clear()
            state = self._state()
            if state != told:
                await self._socket.send_json(state)
                told = state
            if self._show.board.state.condition is Condition.ENDED:
                await self._socket.close(1001)
                return
            picture = self._show.board.picture
            if picture and picture.number != self._last and self._wants_a_picture():
                await self._send_picture(picture)
            else:
                await self._wake.wait()

    def _wants_a_picture(self) -> bool:
        return not self._is_paused and len(self._unshown) < _UNSHOWN

    def _state(self) -> dict[str, Any]:
        state, recording = self._show.board.state, self._show.board.recording
        return {
            "type": "state",
            "source": {"condition": state.condition, "sentence": state.sentence},
            "recording": {"phase": recording.phase, "sentence": recording.sentence},
        }

    async def _send_picture(self, picture: Picture) -> None:
        """Send the answers, then the picture that they are of."""
        jpeg = await asyncio.to_thread(picture.jpeg, self._width)
        self._last = picture.number
        self._unshown[picture.number] = picture.arrival.came_s
        await self._socket.send_json(
            {
                "type": "picture",
                "number": picture.number,
                "time_s": round(picture.analysed.time_s, 3),
                "connection": picture.arrival.connection,
                "faces": picture.faces(),
                **self._show.figures(),
                "delay_ms": self._delay_ms(),
            }
        )
        await self._socket.send_bytes(jpeg)

    def _delay_ms(self) -> dict[str, int] | None:
        """Return the median and the 95th percentile, from a frame's coming to the page's word that it is shown."""
        found = percentiles(self._delays_s)
        return {name: round(1000 * seconds) for name, seconds in found.items()} if found else None

    async def _receive(self) -> None:
        """Take what the page says. What is no message of it ends the connection."""
        with suppress(WebSocketDisconnect):
            while True:
                try:
                    self._take(json.loads(await self._socket.receive_text()))
                except (ValueError, KeyError):
                    await self._socket.close(1003)
                    return
                self._wake.set()

    def _take(self, message: object) -> None:
        match message:
            case {"type": "shown", "number": int(number)}:
                came_s = self._unshown.pop(number, None)
                if came_s is not None:
                    self._delays_s.append(time.monotonic() - came_s)
                    self._show.shown(self._delays_s[-1])
            case {"type": "look", "width": int(width), "paused": bool(is_paused)}:
                self._width, self._is_paused = width, is_paused
            case {"type": "record", "on": bool(is_on)} if self._may_command:
                self._show.record(is_on)
            case _:
                raise ValueError("expected a message of the page")
