"""Bounds what an HTTP server may make a client of `requests` take: bytes, and seconds for a whole answer.

`requests` knows a time-out for each read alone, so an answer that drips lasts for ever, and no limit of size.
Used by both WinRM libraries; it knows nothing of what the answers hold.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import BaseAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import urllib3
    from requests.sessions import Session

MOST_BYTES = 4 << 20
"""Windows sends 500 kB in one answer unless it was told otherwise (windows-facts 5)."""

_PORTION = 1 << 16


class LimitedAdapter(BaseAdapter):
    """An adapter that reads the answers of another one to their end, within the limits."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner

    def send(self, request: requests.PreparedRequest, *_: object, **options: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        """As `BaseAdapter.send`; who reads the content of the answer gets these errors.

        Raises:
            requests.ReadTimeout: it is not complete after twice the time-out of one read.
            requests.ConnectionError: it is too large.
        """
        until = time.monotonic() + 2 * _seconds(options.get("timeout"))
        response = self._inner.send(request, **options)
        # Signing in sends more requests over what answered the first one, and looks at its socket: the
        # content must not be read here.
        response.connection = self  # type: ignore[assignment]  # the stubs know one kind only
        response.raw.stream = partial(_portions, response.raw, until)  # type: ignore[method-assign]  # it takes none
        return response

    def close(self) -> None:
        """As `BaseAdapter.close`."""
        self._inner.close()


def limit(session: Session) -> None:
    """Put limits on all that a session takes from now on; safe to call again."""
    for prefix, adapter in list(session.adapters.items()):
        if not isinstance(adapter, LimitedAdapter):
            session.mount(prefix, LimitedAdapter(adapter))


def _seconds(timeout: object) -> float:
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    return max((float(each) for each in parts if isinstance(each, int | float)), default=60.0)


def _portions(raw: urllib3.HTTPResponse, until: float, *_: object, **__: object) -> Iterator[bytes]:
    """What `urllib3`'s `stream` gives, as it comes."""
    size = 0
    while portion := raw.read1(_PORTION, decode_content=True):
        size += len(portion)
        if size > MOST_BYTES:
            raw.close()
            raise requests.ConnectionError("an answer without end")
        if time.monotonic() > until:
            raw.close()
            raise requests.ReadTimeout("an answer that drips")
        yield portion
