"""Close the endpoints of Triton that serving does not need.

Triton 2.51's Python backend has holes, closed in 25.07 only, that begin with its shared memory (CVE-2025-23319, 23320,
23334); and who may load models runs code. Inference, health, metadata, configurations and statistics stay open.
"""

import secrets
from collections.abc import Iterator, Sequence

from fer_server.ports import values

_CLOSED = ("shared-memory", "model-repository", "trace", "logging")
_OPTIONS = ("--grpc-restricted-protocol", "--http-restricted-api")

# Every user of the machine can read a command line, and so the value. No header's name can hold a line break.
_KEY = "closed\n"


def restrictions(arguments: Sequence[str]) -> Iterator[str]:
    """Give Triton's options that close each endpoint for good, except where the user's `arguments` give it a key."""
    for name in _OPTIONS:
        keyed = {word for value in values(arguments, name) for word in value.partition(":")[0].split(",")}
        closed = [word for word in _CLOSED if word not in keyed]
        if closed:
            yield f"{name}={','.join(closed)}:{_KEY}={secrets.token_hex(16)}"
