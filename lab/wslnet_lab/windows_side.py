"""What the Windows host asks of the machine below it: adapters, routes, WSL, packets (docs/protocols.md 3).

Translates between the control socket's JSON and the fabric; every network thing happens in `windows`.
"""

from __future__ import annotations

import base64
import functools
import re
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from wslnet_lab import inside, netns
from wslnet_lab.errors import LabError, NotRunning, UsageError
from wslnet_lab.fabric import host_firewall, hyperv_firewall, windows_ip
from wslnet_lab.fabric import netns as fabric_netns
from wslnet_lab.relays import IpHelper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.control import Method
    from wslnet_lab.hardware import Hardware
    from wslnet_lab.utility_vm import UtilityVm

_SOCKET_LINE = re.compile(
    r"(?P<proto>tcp|udp)\s+\S+\s+\d+\s+\d+\s+(?P<address>\S+):(?P<port>\d+)\s+\S+"
    r'(?:\s+users:\(\("(?P<process>[^"]*)",pid=(?P<pid>\d+))?'
)
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_SS_TIMEOUT_S = 10.0


class WindowsSide:
    """The methods of the control socket that belong to Windows."""

    def __init__(self, hardware: Hardware, wsl: UtilityVm) -> None:
        self._hardware = hardware
        self._wsl = wsl
        self._name = hardware.paths.netns(hardware.topology.one("windows").name)
        self._ip_helper = IpHelper(self._name)

    def methods(self) -> dict[str, Method]:
        """Method name to function of its parameters."""
        return {
            "adapters": lambda: windows_ip.read_adapters(self._name, self._adapters()),
            "routes": lambda: windows_ip.read_routes(self._name, self._adapters()),
            "set_forwarding": self.set_forwarding,
            "route_add": self.route_add,
            "route_delete": self.route_delete,
            "address_add": functools.partial(self._change_address, "add"),
            "address_delete": functools.partial(self._change_address, "delete"),
            "adapter_resend": self._wsl.resend_card,
            "adapter_remove": self._wsl.remove_card,
            "adapter_add": self._wsl.add_card,
            "listeners": self.listeners,
            "portproxy": self.portproxy,
            "wsl_start": self.wsl_start,
            "wsl_stop": self.wsl_stop,
            "wsl_terminate": self.wsl_terminate,
            "wsl_state": self._wsl.state,
            "wsl_exec": self.wsl_exec,
            "hyperv_firewall": self.hyperv_firewall,
            "host_firewall": self.host_firewall,
            "probe": self.probe,
        }

    def _adapters(self) -> tuple[windows_ip.Adapter, ...]:
        return tuple(
            windows_ip.Adapter(a.name, a.nic.device, a.kind, a.guid, a.description, a.hidden, a.category)
            for a in self._hardware.windows_adapters()
        )

    def set_forwarding(self, *, index: int, family: int, enabled: bool) -> dict[str, object]:
        """Switches forwarding of one adapter and family."""
        windows_ip.set_forwarding(self._name, index, family, enabled=enabled)
        return {}

    def route_add(
        self, family: int, dst: str, index: int, via: str | None = None, metric: int = 0
    ) -> dict[str, object]:
        """Adds a route of Windows."""
        windows_ip.add_route(self._name, family, dst, via, index, metric)
        return {}

    def route_delete(
        self, family: int, dst: str, index: int, via: str | None = None, metric: int | None = None
    ) -> dict[str, object]:
        """Deletes a route of Windows."""
        windows_ip.delete_route(self._name, family, dst, via, index, metric)
        return {}

    def _change_address(
        self, verb: str, *, index: int, family: int, address: str, prefix: int
    ) -> dict[str, object]:
        with fabric_netns.Namespace(self._name) as windows:
            windows.netlink(
                "addr", verb, index=index, address=address, prefixlen=prefix, family=_FAMILIES[family]
            )
        return {}

    def listeners(self) -> list[dict[str, Any]]:
        """Listening TCP and bound UDP sockets of Windows."""

        def show() -> str:
            return subprocess.run(
                ["ss", "-Hlntup"], capture_output=True, text=True, timeout=_SS_TIMEOUT_S, check=True
            ).stdout

        found = []
        for line in netns.run_in(self._name, show).splitlines():
            match = _SOCKET_LINE.match(line)
            if match is None:
                raise LabError(f"ss printed a line that is no socket: {line!r}")
            address = match["address"].partition("%")[0].strip("[]").replace("*", "::")
            found.append(
                {
                    "proto": match["proto"],
                    "family": 6 if ":" in address else 4,
                    "address": address,
                    "port": int(match["port"]),
                    "pid": int(match["pid"] or 0),
                    "process": match["process"] or "",
                }
            )
        return found

    def portproxy(self, rules: list[tuple[str, int, str, int]]) -> list[bool]:
        """Makes these (listen address, port, connect address, port) iphlpsvc's; says which of them listen."""
        with self._hardware.lock:
            return self._ip_helper.tell(rules)

    def wsl_start(self, mode: str, settings: dict[str, Any], address: str | None = None) -> dict[str, Any]:
        """Boots WSL."""
        return self._wsl.start(mode, settings, address)

    def wsl_stop(self, *, force: bool = False) -> dict[str, object]:
        """Stops WSL and everything in it."""
        self._wsl.stop(force=force)
        return {}

    def wsl_terminate(self, distro: str) -> dict[str, object]:
        """Ends the processes of a distribution; one beside the machine's own has none here."""
        if distro.lower() == self._hardware.topology.one("wsl").distro.lower():
            self._wsl.end_distro()
        return {}

    def wsl_exec(
        self, argv: list[str], user: str = "root", timeout_s: float = 60.0, stdin: str = ""
    ) -> dict[str, Any]:
        """Runs a program in WSL's namespaces."""
        wsl = self._hardware.topology.one("wsl").name
        init = self._hardware.inits.get(wsl)
        if init is None or not init.alive():
            raise NotRunning("WSL is not running")
        self._wsl.wake_distro()
        account = inside.find_account(self._hardware.paths.machine(wsl).root, user)
        outcome = inside.run(
            init,
            argv,
            account,
            stdin=base64.b64decode(stdin),
            timeout_s=timeout_s,
            ports=self._hardware.paths.ports,
        )
        return {
            "exit_code": outcome.exit_code,
            "stdout": base64.b64encode(outcome.stdout).decode(),
            "stderr": base64.b64encode(outcome.stderr).decode(),
        }

    def hyperv_firewall(self, **policy: bool | str | list[dict[str, Any]]) -> dict[str, object]:
        """Puts the effective policy for WSL in force."""
        hyperv_firewall.apply(self._name, _policy(policy))
        return {}

    def host_firewall(self, zones: list[dict[str, Any]]) -> dict[str, object]:
        """Puts Windows' own firewall in force on what comes to Windows itself."""
        chosen = (
            host_firewall.Zone(zone["category"], tuple(zone["devices"]), _policy(zone["policy"]))
            for zone in zones
        )
        host_firewall.apply(self._name, chosen)
        return {}

    def probe(self, proto: str, dst: str, port: int = 0, timeout_s: float = 3.0) -> dict[str, Any]:
        """Tries to reach something from Windows: icmp, tcp, or ssh (which waits for the greeting)."""
        acts = {"icmp": _ping, "tcp": _connect, "ssh": _greet}
        if proto not in acts:
            raise UsageError(f"no probe {proto!r}; there is {', '.join(acts)}")
        began = time.monotonic()
        ok, detail = netns.run_in(self._name, lambda: acts[proto](dst, port, timeout_s))
        return {"ok": ok, "ms": round((time.monotonic() - began) * 1000, 2), "detail": detail}


def _policy(given: Mapping[str, Any]) -> hyperv_firewall.Policy:
    return hyperv_firewall.Policy(
        enabled=given["enabled"],
        default_inbound=given["default_inbound"],
        default_outbound=given["default_outbound"],
        loopback=given["loopback"],
        rules=tuple(
            hyperv_firewall.Rule(
                name=rule["name"],
                direction=rule["direction"],
                action=rule["action"],
                protocol=rule["protocol"],
                local_ports=tuple(rule.get("local_ports") or ()),
                remote_addresses=tuple(rule.get("remote_addresses") or ()),
            )
            for rule in given["rules"]
        ),
    )


def _ping(dst: str, _port: int, timeout_s: float) -> tuple[bool, str]:
    done = subprocess.run(
        ["ping", "-n", "-c", "1", "-W", f"{timeout_s:g}", dst],
        capture_output=True,
        text=True,
        timeout=timeout_s + 5,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if "From" in line or "bytes from" in line]
    return done.returncode == 0, lines[-1] if lines else done.stderr.strip() or "no reply"


def _connect(dst: str, port: int, timeout_s: float) -> tuple[bool, str]:
    try:
        socket.create_connection((dst, port), timeout=timeout_s).close()
    except OSError as error:
        return False, error.strerror or str(error)
    return True, "connected"


def _greet(dst: str, port: int, timeout_s: float) -> tuple[bool, str]:
    try:
        with socket.create_connection((dst, port), timeout=timeout_s) as connection:
            greeting = connection.recv(256)
    except OSError as error:
        return False, error.strerror or str(error)
    return greeting.startswith(b"SSH-"), greeting.decode("ascii", errors="replace").strip()
