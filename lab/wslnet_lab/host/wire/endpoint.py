"""One client connection to /wsman: logon, sealing, and the way of a request to the service and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spnego.exceptions import SpnegoError

from wslnet_lab.host.wire import sealing, soap
from wslnet_lab.host.wire.auth import Handshake
from wslnet_lab.host.wire.httpd import HttpRequest, HttpResponse
from wslnet_lab.host.wire.service import DropConnectionError, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.wire.accounts import Accounts
    from wslnet_lab.host.wire.settings import Settings

_PLAIN = "application/soap+xml;charset=UTF-8"


class Endpoint:
    """The handler of one connection."""

    def __init__(
        self, client: str, accounts: Accounts, service: Service, settings: Callable[[], Settings]
    ) -> None:
        """Takes the client's address and what all connections share."""
        self._client = client
        self._service = service
        self._settings = settings
        self._handshake = Handshake(accounts, allow_basic=settings().allow_basic)

    def __call__(self, request: HttpRequest) -> HttpResponse | None:
        """Answers a request; None breaks the connection."""
        if request.method != "POST" or not request.path.lower().startswith("/wsman"):
            return HttpResponse(404 if request.method == "POST" else 405)
        settings = self._settings()
        answer = self._handshake.step(request.headers.get("authorization"))
        headers = {"WWW-Authenticate": answer.challenge} if answer.challenge else {}
        if answer.identity is None or self._service.refuses_logons():
            return HttpResponse(401, headers or {"WWW-Authenticate": "Negotiate"})
        try:
            return (
                self._answer(request, answer.identity, settings)
                if request.body
                else HttpResponse(200, headers)
            )
        except (sealing.SealError, soap.SoapError, SpnegoError):
            return HttpResponse(400, close=True)
        except DropConnectionError:
            return None

    def _answer(self, request: HttpRequest, identity: Identity, settings: Settings) -> HttpResponse:
        """The reply, sealed as the request was.

        A plain request is answered 401 where only sealed ones are taken: the recordings have no case of it,
        and clients must fail either way.
        """
        content_type = request.headers.get("content-type", "")
        context = self._handshake.context
        sealed = sealing.is_sealed(content_type)
        if sealed and context is None:
            raise sealing.SealError("sealed without a security context")
        if not sealed and not settings.allow_unencrypted:
            return HttpResponse(401, {"WWW-Authenticate": "Negotiate"})
        text = sealing.unseal(request.body, context) if sealed else request.body
        is_fault, envelope = self._service.answer(soap.parse(text, self._client), identity)
        body = sealing.seal(envelope.encode(), context) if sealed else envelope.encode()
        return HttpResponse(
            500 if is_fault else 200, {"Content-Type": sealing.CONTENT_TYPE if sealed else _PLAIN}, body
        )
