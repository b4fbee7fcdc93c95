"""pypsrp and pywinrm within limits: their transports, serialiser and fragments, with a bound on each.

Both make their transports themselves and take none, so theirs are given another class. Nothing is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pypsrp.exceptions import WinRMTransportError
from pypsrp.powershell import Fragmenter
from pypsrp.serializer import Serializer
from pypsrp.wsman import _TransportHTTP
from winrm.transport import Transport

from wslnet.transport.http_limits import limit
from wslnet.transport.psrp_limits import MOST_BYTES, LimitError, demand_plain_xml

if TYPE_CHECKING:
    import requests
    from pypsrp.powershell import RunspacePool
    from pypsrp.wsman import WSMan
    from winrm.protocol import Protocol


class PypsrpTransport(_TransportHTTP):  # type: ignore[misc]  # pypsrp is untyped here
    """pypsrp's transport; what it gives is plain XML of bounded size."""

    def _build_session(self) -> requests.Session:
        session: requests.Session = super()._build_session()
        limit(session)
        return session

    def _send_request(self, *given: Any, **options: Any) -> bytes:  # noqa: ANN401 - pypsrp's own
        try:
            answer: bytes = super()._send_request(*given, **options)
        except WinRMTransportError as error:
            demand_plain_xml(error.response_text)
            raise
        demand_plain_xml(answer)
        return answer


class PywinrmTransport(Transport):  # type: ignore[misc]  # pywinrm is untyped
    """pywinrm's transport, in the same way."""

    def build_session(self) -> requests.Session:
        """As pywinrm's."""
        session: requests.Session = super().build_session()
        limit(session)
        return session

    def setup_encryption(self, session: requests.Session) -> None:
        """As pywinrm's: the first request is sent here, before the session is given back."""
        limit(session)
        super().setup_encryption(session)

    def _get_message_response_text(self, response: requests.Response) -> bytes:
        text: bytes = super()._get_message_response_text(response)
        demand_plain_xml(text)
        return text


class PlainSerializer(Serializer):  # type: ignore[misc]  # as above
    """pypsrp's serialiser; looks through a message before it reads it."""

    def deserialize(self, element: Any, *given: Any, **options: Any) -> Any:  # noqa: ANN401 - pypsrp's own
        """As pypsrp's."""
        if isinstance(element, str):
            demand_plain_xml(element)
        return super().deserialize(element, *given, **options)


class LimitedFragmenter(Fragmenter):  # type: ignore[misc]  # as above
    """pypsrp's fragments; `left` is how many bytes may still come, set anew for each call."""

    left = MOST_BYTES

    def defragment(self, data: bytes) -> Any:  # noqa: ANN401 - pypsrp's own
        """As pypsrp's."""
        self.left -= len(data)
        if self.left < 0:
            raise LimitError("more than Windows has to say")
        return super().defragment(data)


def limit_wsman(connection: WSMan) -> None:
    """Bound a connection of pypsrp."""
    connection.transport.__class__ = PypsrpTransport


def limit_pool(pool: RunspacePool) -> None:
    """Bound what is read of a pool's messages."""
    pool._serializer = PlainSerializer()  # noqa: SLF001 - pypsrp gives no other way
    pool._fragmenter = LimitedFragmenter(pool.connection.max_payload_size, pool._serializer)  # noqa: SLF001 - as above


def limit_protocol(protocol: Protocol) -> None:
    """Bound a connection of pywinrm."""
    protocol.transport.__class__ = PywinrmTransport


def begin_call(pool: RunspacePool) -> None:
    """Let a call have its own share of bytes."""
    pool._fragmenter.left = MOST_BYTES  # noqa: SLF001 - made by `limit_pool`
