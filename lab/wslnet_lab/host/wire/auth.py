"""The 401 dance of one connection: Negotiate or NTLM by pyspnego's acceptor, Basic only where allowed.

A context belongs to the TCP connection, as in http.sys: once it is complete, later requests on the same
connection need no header, and a new connection starts from nothing.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import spnego
from spnego.exceptions import SpnegoError

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.wire.accounts import Accounts

_BAD_TOKEN = (SpnegoError, ValueError, LookupError, struct.error)
"""What base64 and pyspnego's readers raise for a wrong password or bytes that are no token."""

_ENVIRONMENT = threading.Lock()
"""pyspnego takes its credential file from the environment, which all connections share."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the handshake says about a request: who it is, or a refusal; a token for the reply either way."""

    identity: Identity | None = None
    challenge: str = "Negotiate"


class Handshake:
    """The logon state of one connection."""

    def __init__(self, accounts: Accounts, *, allow_basic: bool) -> None:
        """Takes the accounts that may log on and whether Basic is offered."""
        self._accounts = accounts
        self._allow_basic = allow_basic
        self._context: Any = None  # pyspnego's ContextProxy; it is not typed for strict use here
        self.identity: Identity | None = None

    @property
    def context(self) -> Any:  # noqa: ANN401 - pyspnego's context, see above
        """The security context that seals messages, or None when there is none (Basic)."""
        return self._context if self.identity else None

    def step(self, header: str | None) -> Answer:
        """Takes a request's Authorization header and says whether the request may pass."""
        scheme, _, credential = (header or "").partition(" ")
        match scheme.lower():
            case "negotiate" | "ntlm":
                return self._step_token(scheme, credential)
            case "basic" if self._allow_basic:
                return Answer(self._check_basic(credential), self._offer())
        return Answer(self.identity, self._offer())

    def _offer(self) -> str:
        return 'Negotiate, Basic realm="WSMAN"' if self._allow_basic else "Negotiate"

    def _check_basic(self, credential: str) -> Identity | None:
        try:
            user, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._accounts.check(user, password)

    def _step_token(self, scheme: str, credential: str) -> Answer:
        try:
            token = base64.b64decode(credential, validate=True)
            if self.identity is not None or self._context is None:
                self.identity = None
                self._context = self._accept(token)
            with _ENVIRONMENT:
                os.environ["NTLM_USER_FILE"] = str(self._accounts.credential_file)
                reply = self._context.step(token)
        except _BAD_TOKEN:
            self._context = None
            return Answer(None, self._offer())
        challenge = f"{scheme} {base64.b64encode(reply).decode()}" if reply else scheme
        if self._context.complete:
            self.identity = self._accounts.find(str(self._context.client_principal))
            return Answer(self.identity, challenge if reply else "")
        return Answer(None, challenge)

    def _accept(self, token: bytes) -> Any:  # noqa: ANN401 - pyspnego's context, see above
        """A fresh acceptor; clients may put a bare NTLM token under the Negotiate scheme."""
        bare = token.startswith(b"NTLMSSP\x00")
        protocol, kind = (
            ("ntlm", spnego.NegotiateOptions.use_ntlm)
            if bare
            else ("negotiate", spnego.NegotiateOptions.use_negotiate)
        )
        with _ENVIRONMENT:
            os.environ["NTLM_USER_FILE"] = str(self._accounts.credential_file)
            return spnego.server(protocol=protocol, options=kind)
