"""Where the server comes from: the one that is named, the one that runs here, or one started for this job."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fer_client.errors import FerError, NoServerError, UsageError
from fer_client.inference.access import read_access, set_variables
from fer_client.inference.addresses import TLS_SCHEME, check_url, is_encrypted, is_loopback
from fer_client.inference.client import CONTROL_TIMEOUT_S, InferenceClient, is_ready
from fer_client.inference.embedded import LOCAL_URL, URL_VARIABLE, Launched, Server, embedded_server
from fer_client.inference.probe import ask


@contextmanager
def find_server(
    url: str | None, notify: Callable[[str], None], launched: Launched | None = None
) -> Iterator[Server]:
    """Yield a server: at `url`, else at FER_TRITON_URL, else a ready one here, else an embedded one.

    The embedded one stops at the end of the block; that which was `launched` before, where none is named, with its own.
    `notify` takes sentences for the user.
    """
    named = url or os.environ.get(URL_VARIABLE)
    if named:
        check_url(named)
        _check_clear(named)
        try:
            yield Server(named, access=read_access())
        except NoServerError as error:
            raise NoServerError(
                f"{error} Without --url and {URL_VARIABLE} an embedded one serves."
            ) from error
    elif launched:
        yield launched()
    elif _is_of_use(LOCAL_URL, notify):
        notify(f"Using the server that is ready at {LOCAL_URL}.")
        yield Server(LOCAL_URL)
    else:
        with embedded_server(notify) as started:
            yield started


def _is_of_use(url: str, notify: Callable[[str], None]) -> bool:
    """Whether a server is ready and answers: one whose processes have died still says that it is ready."""
    if not is_ready(url):
        return False
    with InferenceClient(url, CONTROL_TIMEOUT_S) as client:
        try:
            ask(client, client.read_contract(), lambda answer: answer.result(2 * CONTROL_TIMEOUT_S))
        except (FerError, TimeoutError):
            notify(f"The server at {url} says that it is ready, but answers no request; it is not used.")
            return False
    return True


def _check_clear(url: str) -> None:
    """Raise UsageError where the environment has certificates or secrets for a server that is spoken to in the clear.

    What stays on this machine may be on its way to a proxy here that encrypts it.
    """
    given = [] if is_encrypted(url) or is_loopback(url) else set_variables()
    if given:
        raise UsageError(
            f"{given[0]} is set, but everything would be sent to {url} in the clear. Name the server as "
            f"{TLS_SCHEME}{url}, or unset {', '.join(given)}."
        )
