"""A page without a screen: takes every picture of a live view, and says at once that it is shown.

python -m benchmarks.live_page http://127.0.0.1:8050/
"""

import json
import sys
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin


def look(address: str) -> None:
    """Look until the view ends."""
    host = urlsplit(address).netloc
    with connect(f"ws://{host}/watch", origin=Origin(f"http://{host}"), compression=None) as page:
        page.send(json.dumps({"type": "look", "width": 1280, "paused": False}))
        number = -1
        try:
            for message in page:
                if isinstance(message, bytes):
                    page.send(json.dumps({"type": "shown", "number": number}))
                else:
                    number = json.loads(message).get("number", number)
        except ConnectionClosed:
            pass


if __name__ == "__main__":
    look(sys.argv[1])
