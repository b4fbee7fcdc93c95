"""Where a Windows host's WinRM listens and as whom we sign in; shared by PSRP and WinRS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.families import IPV6

if TYPE_CHECKING:
    from wslnet.model.machine import Machine

HTTP_PORT = 5985
HTTPS_PORT = 5986
_TLS_ONLY = frozenset({"basic", "certificate"})
"""Ways to sign in that encrypt nothing themselves (windows-facts 5)."""

DEFAULT_CONFIGURATION = "Microsoft.PowerShell"


@dataclass(frozen=True, slots=True)
class WinrmEndpoint:
    """One WinRM endpoint. Messages are encrypted by NTLM or Negotiate over http, by TLS over https.

    Without user and password it is the user of this process who signs in, by what Windows knows of him.

    `certificate` is the file that the server's certificate is checked against, instead of this machine's own
    store; `client_certificate` holds certificate and key of who signs in that way.
    """

    machine: str
    host: str
    user: str
    password: str = field(repr=False)
    port: int = HTTP_PORT
    configuration: str = DEFAULT_CONFIGURATION
    proxy: str | None = None
    auth: str = "negotiate"
    certificate: str | None = None
    client_certificate: str | None = None

    @property
    def who(self) -> str:
        """Who signs in, in an error message."""
        return self.user or "the user of this process"

    @property
    def tls(self) -> bool:
        """Whether it is https, by its port."""
        return self.port == HTTPS_PORT

    @property
    def url(self) -> str:
        """The address for clients that take a URL."""
        try:
            host = f"[{self.host}]" if ipaddress.ip_address(self.host).version == IPV6 else self.host
        except ValueError:
            host = self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/wsman"

    @property
    def place(self) -> str:
        """The endpoint in an error message."""
        way = f" through {self.proxy}" if self.proxy else ""
        return f"{self.host}:{self.port}{way}"


def endpoint_of(machine: Machine, password: str | None) -> WinrmEndpoint:
    """Give the endpoint that the inventory describes.

    Raises:
        InputError: address, user or password is missing, or the password would cross in the clear.
    """
    auth = machine.auth or "negotiate"
    port = machine.port or HTTP_PORT
    if port != HTTPS_PORT and auth in _TLS_ONLY:
        raise InputError(
            f"machines.{machine.name}: auth {auth!r} goes over https only (port {HTTPS_PORT}): it encrypts "
            "nothing itself",
            machine=machine.name,
        )
    if auth == "certificate":
        if machine.client_certificate is None or not machine.address:
            raise InputError(
                f"machines.{machine.name}: auth 'certificate' needs an address and a client_certificate",
                machine=machine.name,
            )
        return _endpoint(machine, "", auth, port)
    for name, value in (("address", machine.address), ("user", machine.user)):
        if not value:
            raise InputError(f"machines.{machine.name}: no {name}", machine=machine.name)
    if password is None:
        raise InputError(f"machines.{machine.name}: no secret for {machine.user}", machine=machine.name)
    return _endpoint(machine, password, auth, port)


def own_user_of(machine: Machine) -> WinrmEndpoint:
    """Give the endpoint for the user of this process, whom Windows' own sign-in (SSPI) vouches for."""
    return _endpoint(machine, "", machine.auth or "negotiate", machine.port or HTTP_PORT)


def _endpoint(machine: Machine, password: str, auth: str, port: int) -> WinrmEndpoint:
    pinned, own = machine.certificate, machine.client_certificate
    return WinrmEndpoint(
        machine=machine.name,
        host=machine.address or "",
        user=machine.user or "",
        password=password,
        port=port,
        configuration=machine.configuration or DEFAULT_CONFIGURATION,
        proxy=machine.proxy,
        auth=auth,
        certificate=None if pinned is None else str(pinned),
        client_certificate=None if own is None else str(own),
    )
