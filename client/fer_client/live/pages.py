"""The web application: one page with its script and style, and the connection by which it watches."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from fer_client.inference.addresses import is_loopback_host
from fer_client.live.access import is_own_host, is_same_origin
from fer_client.live.viewer import Show, Viewer

MOST_VIEWERS = 16

_PAGE = {
    "": ("live.html", "text/html"),
    "live.css": ("live.css", "text/css"),
    "live.js": ("live.js", "text/javascript"),
    "stage.js": ("stage.js", "text/javascript"),
    "timeline.js": ("timeline.js", "text/javascript"),
}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _OwnHostAlone:
    """Refuses requests that ask for this server by a name that is none of its own."""

    def __init__(self, app: ASGIApp, bound: str) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        if is_own_host(headers.get(b"host", b"").decode("latin-1"), self._bound):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(1008)
        else:
            refusal = PlainTextResponse("Ask for this page by this machine's address.\n", 421)
            await refusal(scope, receive, send)


def live_app(show: Show, bound: str) -> Starlette:
    """Make the application of a server that is bound to this name or address.

    A page may record where it is on this machine.
    """

    async def watch(socket: WebSocket) -> None:
        if not is_same_origin(socket.headers) or show.board.watching >= MOST_VIEWERS:
            await socket.close(1008)
            return
        await socket.accept()
        is_near = socket.client is not None and is_loopback_host(socket.client.host)
        await Viewer(socket, show, is_near).serve()

    routes = [Route(f"/{path}", _file(*file)) for path, file in _PAGE.items()]
    return Starlette(
        routes=[*routes, WebSocketRoute("/watch", watch)],
        middleware=[Middleware(_OwnHostAlone, bound=bound)],
    )


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    content = files("fer_client.live").joinpath("page", name).read_bytes()

    async def send(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return send
