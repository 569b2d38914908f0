"""A web server on this machine that serves files whole, as a stream without an end, or never."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def web(folder: Path, close_stream: threading.Event) -> Iterator[str]:
    """Yield the address of `folder`. /live/NAME sends the file and keeps the line until `close_stream`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0]
            path = folder / Path(name).name
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            is_live = name.startswith("/live/")
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t" if is_live else "video/mp4")
            if not is_live:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()
            if is_live:
                close_stream.wait()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_address[1]}"
    finally:
        close_stream.set()
        server.shutdown()
        thread.join()
        server.server_close()
