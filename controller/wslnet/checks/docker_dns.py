"""Which server do containers ask? Docker drops those of 127.0.0.0/8 and takes 8.8.8.8 when none is left.

Many companies block 8.8.8.8, so containers find no name while WSL finds all (wsl-facts 6, row 18).
"""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.errors import PlanRefused
from wslnet.model.daemon_json import value_of
from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.daemon_json import DOCKER, DaemonJson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import ContainerEngine, LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("docker.dns", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_TUNNEL = "10.255.255.254"
_RESOLVED = "127.0.0.53"


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.engines is None or facts.in_use is None:
        yield _SAY.unread(machine, "container engines and resolver")
    else:
        docker = next((one for one in facts.engines if one.engine == DOCKER and one.version), None)
        servers = facts.in_use.resolver.nameservers
        if docker is None:
            yield _SAY.ok(machine, "no Docker runs")
        elif _own_servers(docker):
            yield _SAY.ok(machine, "daemon.json names the servers that containers ask")
        elif not servers or servers == (_RESOLVED,) or not all(map(_is_loopback, servers)):
            # Docker asks behind systemd-resolved's own address by itself.
            yield _SAY.ok(machine, "containers ask the servers that WSL asks", *servers)
        else:
            yield _machine(snapshot, machine, facts, servers)


def _machine(snapshot: Snapshot, machine: str, facts: LinuxFacts, servers: tuple[str, ...]) -> Finding:
    server = _server(snapshot, facts)
    if server is None:
        fix = look_again(_SAY.code, 'name a server that is not local: "dns": ["ADDRESS"] in daemon.json')
    else:
        why = "containers cannot ask an address of 127.0.0.0/8"
        fix = Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (f'"dns": ["{server}"] in /etc/docker/daemon.json; docker is restarted, its containers with it',),
            (DaemonJson(machine, {"dns": [server]}, why, rows=(), restart=True),),
        )
    return _SAY.problem(
        Status.WARN,
        machine,
        "containers ask 8.8.8.8 for names, and not WSL's servers",
        evidence=(f"{machine}: /etc/resolv.conf names {', '.join(servers)} alone",),
        cause="127.0.0.0/8 is a container's own, so Docker leaves these servers out and takes Google's, "
        "which many networks block",
        fix=fix,
    )


def _server(snapshot: Snapshot, facts: LinuxFacts) -> str | None:
    """Whom containers can ask: the tunnel where it is up, in NAT mode the gateway; None: not known."""
    if any(one.address == _TUNNEL for one in facts.addresses_of("lo")):
        return _TUNNEL
    if snapshot.mode != "nat":
        return None
    ways = [
        one for one in facts.routes or () if (one.family, one.table, one.dst) == (IPV4, MAIN_TABLE, "default")
    ]
    return next((one.via for one in sorted(ways, key=lambda way: way.metric) if one.via), None)


def _own_servers(docker: ContainerEngine) -> bool:
    text = None if docker.settings is None else base64.b64decode(docker.settings).decode(errors="replace")
    try:
        return bool(value_of(text, "dns"))
    except PlanRefused:
        # It cannot be read, so it cannot be changed either.
        return True


def _is_loopback(server: str) -> bool:
    try:
        return ipaddress.ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False


CHECK = Check(
    code=_SAY.code,
    title="Containers ask servers that WSL asks",
    needs={
        Kind.WINDOWS: frozenset({"wsl"}),
        Kind.WSL: frozenset({"addresses", "engines", "in_use", "routes", "wsl"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
