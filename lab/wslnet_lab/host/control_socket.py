"""The real `Hardware`: the lab daemon, asked over its control socket (docs/protocols.md section 3).

One JSON line out, one back, one connection a call, so threads need no turn-taking. It decides nothing.
"""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING, Any

from wslnet_lab import attached
from wslnet_lab.errors import LabError
from wslnet_lab.host.hardware import (
    Adapter,
    EffectivePolicy,
    HardwareError,
    HostZone,
    LinuxOutcome,
    Listener,
    Route,
    WslState,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.port_proxy import ProxyRule

_REPLY_LIMIT = 64 * 1024 * 1024
_KILLED = 137
"""Exit code of a program that was ended because its client had gone."""


class ControlSocket:
    """`Hardware` over the daemon's control socket: one connection a call, so threads need no turn-taking."""

    def __init__(self, path: Path, *, timeout_s: float = 30.0) -> None:
        self._path = path
        self._timeout_s = timeout_s

    def call(
        self, method: str, params: Mapping[str, object] | None = None, *, timeout_s: float | None = None
    ) -> Any:  # noqa: ANN401 - a JSON document of the daemon, another shape per method
        """One request and its result.

        Raises:
            HardwareError: The daemon answered with an error, or not within the time.
        """
        request = json.dumps({"method": method, "params": dict(params or {})}) + "\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout_s or self._timeout_s)
                connection.connect(str(self._path))
                connection.sendall(request.encode())
                with connection.makefile("rb") as stream:
                    line = stream.readline(_REPLY_LIMIT)
        except OSError as error:
            raise HardwareError("unreachable", f"lab daemon at {self._path}: {error}") from error
        if not line.endswith(b"\n"):
            raise HardwareError("unreachable", f"lab daemon at {self._path} hung up during {method}")
        reply = json.loads(line)
        if "error" in reply:
            raise HardwareError(reply["error"].get("code", "failed"), reply["error"].get("message", method))
        return reply["result"]

    def adapters(self) -> tuple[Adapter, ...]:
        """See `Hardware`."""
        return tuple(Adapter.parse(row) for row in self.call("adapters"))

    def routes(self) -> tuple[Route, ...]:
        """See `Hardware`."""
        return tuple(
            Route(
                row["family"],
                row["dst"],
                row.get("via"),
                row["index"],
                row.get("metric") or 0,
                str(row.get("proto") or ""),
            )
            for row in self.call("routes")
        )

    def listeners(self) -> tuple[Listener, ...]:
        """See `Hardware`."""
        return tuple(
            Listener(
                row["proto"],
                row["family"],
                row["address"],
                row["port"],
                row.get("pid") or 0,
                row.get("process") or "",
            )
            for row in self.call("listeners")
        )

    def portproxy(self, rules: Sequence[ProxyRule]) -> None:
        """See `Hardware`."""
        rows = [
            [rule.listen_address, rule.listen_port, rule.connect_address, rule.connect_port] for rule in rules
        ]
        self.call("portproxy", {"rules": rows})

    def set_forwarding(self, index: int, family: int, *, enabled: bool) -> None:
        """See `Hardware`."""
        self.call("set_forwarding", {"index": index, "family": family, "enabled": enabled})

    def route_add(self, route: Route) -> None:
        """See `Hardware`."""
        self.call("route_add", _route_params(route))

    def route_delete(self, route: Route) -> None:
        """See `Hardware`."""
        self.call("route_delete", _route_params(route))

    def address_add(self, index: int, family: int, address: str, prefix: int) -> None:
        """See `Hardware`."""
        params = {"index": index, "family": family, "address": address, "prefix": prefix}
        self.call("address_add", params)

    def address_delete(self, index: int, family: int, address: str, prefix: int) -> None:
        """See `Hardware`."""
        params = {"index": index, "family": family, "address": address, "prefix": prefix}
        self.call("address_delete", params)

    def wsl_start(
        self, mode: str, settings: Mapping[str, object], address: str | None
    ) -> tuple[str | None, str | None]:
        """See `Hardware`; the boot of the guest may take its time."""
        reply = self.call(
            "wsl_start", {"mode": mode, "settings": dict(settings), "address": address}, timeout_s=90.0
        )
        return reply.get("address"), reply.get("gateway")

    def wsl_stop(self, *, force: bool) -> None:
        """See `Hardware`; waits as long as `wsl --shutdown` does (wsl-facts 2.4: 30 s, then force)."""
        self.call("wsl_stop", {"force": force}, timeout_s=60.0)

    def wsl_terminate(self, distro: str) -> None:
        """See `Hardware`."""
        self.call("wsl_terminate", {"distro": distro}, timeout_s=60.0)

    def wsl_state(self) -> WslState:
        """See `Hardware`."""
        reply = self.call("wsl_state")
        return WslState(bool(reply["running"]), reply.get("mode"), reply.get("address"), reply.get("since"))

    def wsl_exec(self, argv: Sequence[str], user: str, timeout_s: float, stdin: bytes) -> LinuxOutcome:
        """See `Hardware`."""
        params = {
            "argv": list(argv),
            "user": user,
            "timeout_s": timeout_s,
            "stdin": base64.b64encode(stdin).decode(),
        }
        reply = self.call("wsl_exec", params, timeout_s=timeout_s + 10.0)
        return LinuxOutcome(
            reply["exit_code"], base64.b64decode(reply["stdout"]), base64.b64decode(reply["stderr"])
        )

    def wsl_attach(self, argv: Sequence[str], user: str, streams: Streams) -> int:
        """See `Hardware`."""
        request = {"argv": list(argv), "user": user}
        try:
            return int(attached.call(self._path.with_name("attach.sock"), request, streams)["exit_code"])
        except LabError as error:
            if streams.gone.is_set():
                return _KILLED
            raise HardwareError(error.code, str(error)) from error

    def hyperv_firewall(self, policy: EffectivePolicy) -> None:
        """See `Hardware`."""
        self.call("hyperv_firewall", _policy_params(policy))

    def host_firewall(self, zones: Sequence[HostZone]) -> None:
        """See `Hardware`."""
        rows = [
            {"category": one.category, "devices": list(one.devices), "policy": _policy_params(one.policy)}
            for one in zones
        ]
        self.call("host_firewall", {"zones": rows})

    def probe(self, proto: str, dst: str, port: int, timeout_s: float) -> tuple[bool, float, str]:
        """See `Hardware`."""
        reply = self.call(
            "probe",
            {"proto": proto, "dst": dst, "port": port, "timeout_s": timeout_s},
            timeout_s=timeout_s + 10.0,
        )
        return bool(reply["ok"]), float(reply.get("ms") or 0.0), str(reply.get("detail") or "")


def _policy_params(policy: EffectivePolicy) -> dict[str, object]:
    rules = [
        {
            "name": rule.name,
            "direction": rule.direction,
            "action": rule.action,
            "protocol": rule.protocol,
            "local_ports": list(rule.local_ports),
            "remote_addresses": list(rule.remote_addresses),
        }
        for rule in policy.rules
    ]
    return {
        "enabled": policy.enabled,
        "default_inbound": policy.default_inbound,
        "default_outbound": policy.default_outbound,
        "loopback": policy.loopback,
        "rules": rules,
    }


def _route_params(route: Route) -> dict[str, object]:
    return {
        "family": route.family,
        "dst": route.dst,
        "via": route.via,
        "index": route.index,
        "metric": route.metric,
    }
