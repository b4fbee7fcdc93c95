"""Where a Windows host's WinRM listens and as whom we sign in; shared by PSRP and WinRS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.model.machine import Machine

HTTP_PORT = 5985
HTTPS_PORT = 5986
DEFAULT_CONFIGURATION = "Microsoft.PowerShell"


@dataclass(frozen=True, slots=True)
class WinrmEndpoint:
    """One WinRM endpoint. Messages are encrypted by NTLM or Negotiate over http, by TLS over https."""

    machine: str
    host: str
    user: str
    password: str = field(repr=False)
    port: int = HTTP_PORT
    configuration: str = DEFAULT_CONFIGURATION
    proxy: str | None = None

    @property
    def tls(self) -> bool:
        """Whether it is https, by its port."""
        return self.port == HTTPS_PORT

    @property
    def url(self) -> str:
        """The address for clients that take a URL."""
        try:
            host = f"[{self.host}]" if ipaddress.ip_address(self.host).version == 6 else self.host  # noqa: PLR2004 - IPv6
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
        InputError: address, user or password is missing.
    """
    for name, value in (("address", machine.address), ("user", machine.user)):
        if not value:
            raise InputError(f"machines.{machine.name}: no {name}", machine=machine.name)
    if password is None:
        raise InputError(f"machines.{machine.name}: no secret for {machine.user}", machine=machine.name)
    return WinrmEndpoint(
        machine=machine.name,
        host=machine.address or "",
        user=machine.user or "",
        password=password,
        port=machine.port or HTTP_PORT,
        configuration=machine.configuration or DEFAULT_CONFIGURATION,
        proxy=machine.proxy,
    )
