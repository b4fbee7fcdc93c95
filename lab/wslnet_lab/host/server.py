"""Puts the Windows host together: accounts, service and HTTP server over an engine and native programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.wire.accounts import Account, Accounts
from wslnet_lab.host.wire.endpoint import Endpoint
from wslnet_lab.host.wire.httpd import HttpServer
from wslnet_lab.host.wire.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from wslnet_lab.host.contract import CallLog, Engine, NativePrograms
    from wslnet_lab.host.endpoint.registered import Endpoints
    from wslnet_lab.host.wire.settings import Settings

WSMAN_PORT = 5985


class WinRmServer:
    """WinRM over HTTP on the addresses of the namespace that the process is in."""

    def __init__(
        self,
        *,
        engine: Engine,
        programs: NativePrograms,
        log: CallLog,
        accounts: Iterable[Account],
        credential_file: Path,
        settings: Callable[[], Settings],
        port: int = WSMAN_PORT,
        address: str = "",
        endpoints: Endpoints | None = None,
    ) -> None:
        """Binds the port (0: a free one); `settings` is asked for each request.

        Raises OSError if the port is taken, ValueError for an account that cannot be stored.
        """
        users = Accounts(accounts, settings().host_name, credential_file)
        self._service = Service(engine, programs, log, settings, endpoints)
        self._http = HttpServer(
            lambda client: Endpoint(client, users, self._service, settings),
            lambda: settings().idle_close_s,
            port,
            address,
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._http.port

    def start(self) -> None:
        """Serves in a thread of its own."""
        self._http.start()

    def serve(self) -> None:
        """Serves until `close`."""
        self._http.serve()

    def close(self) -> None:
        """Stops listening, breaks connections, closes shells."""
        self._http.close()
        self._service.close()
