"""Causes that live on Windows, by the mode of WSL in which they are drilled."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.lab.asking import lab_command, run
from tests.lab.servers import greeting

from . import names
from .by_hand import and_start, cmdlet, open_port, registry_number, vms_come_again
from .causes import Cause, connects, in_machine, in_network, soon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST, _NAT_ADDRESS, _STALE = "172.24.21.109", "172.23.102.37", "172.23.111.200"
_LAN, _COMPANY, _COMPANYS = "172.24.21.50", "172.23.100.5", "172.23.100.0/24"
_PUBLISHED = 2200
_HYPERV_VM = "172.29.16.10"
GREETING = "this is wsl"


@contextmanager
def wsl_serves(lab: Any) -> Iterator[None]:
    """A server in WSL on port 8080."""
    with greeting(lab, "wsl", "0.0.0.0", 8080, GREETING):
        yield


@contextmanager
def published(lab: Any) -> Iterator[None]:
    """The same, and a portproxy rule of Windows that leads to it from port 8081."""
    add = f"netsh.exe interface portproxy add v4tov4 listenport=8081 listenaddress={HOST}"
    with wsl_serves(lab):
        in_machine("windows", f"{add} connectaddress={_NAT_ADDRESS} connectport=8080")(lab)
        open_port(lab, 8081)
        try:
            yield
        finally:
            in_machine(
                "windows",
                f"netsh.exe interface portproxy delete v4tov4 listenport=8081 listenaddress={HOST}",
            )(lab)
            cmdlet(lab, "Remove-NetFirewallRule", Name="by-hand-8081")


_ELSEWHERE = "172.24.21.254"
_PORT = 8086
_RELAY_SEES_S = 3.0
_RULE = f"v4tov4 listenport={_PORT} listenaddress=0.0.0.0"
_SERVERS: dict[str, ExitStack] = {}


@contextmanager
def relayed(lab: Any) -> Iterator[None]:
    """A server in WSL that Windows' localhost leads to; behind a drill no portproxy rule has its port."""
    with ExitStack() as server:
        _SERVERS[lab.name] = server
        _serve(lab)
        try:
            yield
        finally:
            lab.run("windows", f"netsh.exe interface portproxy delete {_RULE}".split())


def _serve(lab: Any) -> None:
    # The relay looks once a second, and offers a port anew only once it has seen that nobody listens on it.
    time.sleep(_RELAY_SEES_S)
    _SERVERS[lab.name].enter_context(greeting(lab, "wsl", "0.0.0.0", _PORT, GREETING))


def _holders(lab: Any, *ports: int) -> set[tuple[str, int]]:
    """Who listens on ports of Windows' localhost: processes by name and number."""
    return {
        (one["process"], one["pid"])
        for one in lab.control("listeners")
        if one["port"] in ports and one["address"] in {"127.0.0.1", "0.0.0.0"}
    }


def led_to(address: str | None) -> Callable[[Any], None]:
    """A portproxy rule is there (None: gone) when the server in WSL starts: the relay comes too late."""

    def act(lab: Any) -> None:
        _SERVERS[lab.name].close()
        assert soon(lambda: not any(name == "wslrelay" for name, _ in _holders(lab, _PORT)))
        where = f" connectaddress={address} connectport={_PORT}" if address else ""
        verb = "add" if address else "delete"
        in_machine("windows", f"netsh.exe interface portproxy {verb} {_RULE}{where}")(lab)
        _serve(lab)

    return act


def relay_dies(lab: Any) -> None:
    """What carries Windows' localhost into WSL ends."""
    ((process, pid),) = _holders(lab, 22)
    assert process == "wslrelay"
    os.kill(pid, signal.SIGKILL)


def index_of(lab: Any, alias: str) -> int:
    """The number that Windows gives an adapter in this boot."""
    return next(int(one["index"]) for one in lab.control("adapters") if one["name"] == alias)


def forwarding_off(lab: Any) -> None:
    """What a start of Windows leaves of the two adapters."""
    for alias in ("vEthernet (Default Switch)", "vEthernet (WSL (Hyper-V firewall))"):
        words = {"AddressFamily": "IPv4", "Forwarding": "Disabled"}
        cmdlet(lab, "Set-NetIPInterface", InterfaceIndex=index_of(lab, alias), **words)


@contextmanager
def company(lab: Any) -> Iterator[None]:
    """A host of the company behind the LAN; the route to it is taken away in the end."""
    in_network("lan", f"ip address add {_COMPANY}/32 dev lo")(lab)
    try:
        yield
    finally:
        words = {"DestinationPrefix": _COMPANYS, "InterfaceIndex": index_of(lab, "以太网")}
        cmdlet(lab, "Remove-NetRoute", **words)
        in_network("lan", f"ip address del {_COMPANY}/32 dev lo")(lab)


def network_taken(lab: Any) -> None:
    """The way to the company's network, whose addresses WSL's network has, too."""
    words = {"DestinationPrefix": _COMPANYS, "NextHop": _LAN}
    cmdlet(lab, "New-NetRoute", InterfaceIndex=index_of(lab, "以太网"), **words)


def _forward(lab: Any, port: int) -> tuple[int, dict[str, Any]]:
    return run(lab, "forward", "add", "--to", "wsl:22", "--listen", f"tcp/{port}@lan", "--yes")


def _forward_gone(lab: Any, port: int) -> None:
    code, done = run(lab, "forward", "remove", f"tcp/{port}@lan", "--yes")
    assert code == 0, done


@contextmanager
def forwarded(lab: Any) -> Iterator[None]:
    """The LAN reaches WSL's SSH server by a port of Windows."""
    code, done = _forward(lab, _PUBLISHED)
    assert (code, done["result"]) == (0, "committed"), done
    try:
        yield
    finally:
        lab_command(lab, "break", "--clear")
    _forward_gone(lab, _PUBLISHED)


def port_given_away(lab: Any) -> None:
    """winnat is given the port's range while nobody listens; another port of it is refused beforehand."""
    in_machine("windows", "sc.exe stop iphlpsvc")(lab)
    in_machine("windows", "netsh.exe int ipv4 set dynamicport tcp start=1024 num=64512")(lab)
    lab_command(lab, "break", "winnat-takes-ports")
    in_machine("windows", "sc.exe start iphlpsvc")(lab)
    code, refused = _forward(lab, _PUBLISHED + 1)
    assert code != 0
    assert "2150-2249" in str(refused), refused


@contextmanager
def no_wsl_over_the_network(lab: Any) -> Iterator[None]:
    """Behind a drill wsl.exe runs in every session again."""
    try:
        yield
    finally:
        lab_command(lab, "break", "--clear")


def store_wsl(lab: Any) -> None:
    """WSL is one of the Store's: it does not start in a session without a desktop."""
    lab_command(lab, "break", "winrs-no-wsl")


def starts_again(lab: Any) -> None:
    """What the finding tells."""
    code, done = run(lab, "restart", "--yes")
    assert (code, done["result"]) == (0, "committed"), done


def is_run_from_elsewhere(lab: Any) -> bool:
    """wslnet, which is not on Windows, has wsl.exe run there."""
    _, told = run(lab, "doctor", "--only", "wsl.distro")
    return [one["status"] for one in told["findings"]] == ["ok"]


IN_NAT: tuple[Cause, ...] = (
    Cause(
        row=15,
        issues=("#6365", "#4285", "#11693"),
        breaking=partial(registry_number, key=names.PUBLIC, name="AllowLocalPolicyMerge", value=0),
        named=("dns.proxy", "windows"),
        evidence="rules of this PC do not count in profile Public",
        flows=names.resolves,
        stage=names.by_the_proxy,
        remains=frozenset({("policy.local-rules", "windows")}),
        ordinary=True,
    ),
    Cause(
        row=23,
        issues=("#4150", "#4210", "#4467"),
        breaking=in_machine(
            "windows",
            f"netsh.exe interface portproxy set v4tov4 listenport=8081 listenaddress={HOST} "
            f"connectaddress={_STALE} connectport=8080",
        ),
        named=("portproxy.target", "windows"),
        evidence=f"-> {_STALE}:8080: WSL has the address {_NAT_ADDRESS} now",
        flows=connects("lan", HOST, 8081, GREETING),
        stage=published,
    ),
    Cause(
        row=25,
        issues=("#5298", "#41481"),
        breaking=relay_dies,
        named=("nat.localhost", "windows"),
        evidence="wsl listens on tcp/22, and Windows' localhost does not",
        flows=connects("windows", "127.0.0.1", 22, "SSH-2.0"),
        ordinary=True,
    ),
    Cause(
        row=25,
        issues=("#5317", "#41481"),
        breaking=led_to(_STALE),
        named=("portproxy.target", "windows"),
        evidence=f"-> {_STALE}:{_PORT}: WSL has the address {_NAT_ADDRESS} now",
        flows=connects("windows", "127.0.0.1", _PORT, GREETING),
        stage=relayed,
    ),
    Cause(
        row=25,
        issues=("#5317", "#41481"),
        breaking=led_to(_ELSEWHERE),
        named=("nat.localhost", "windows"),
        evidence=f"tcp/{_PORT} on 0.0.0.0 is led to {_ELSEWHERE}:{_PORT} by a portproxy rule",
        flows=connects("windows", "127.0.0.1", _PORT, GREETING),
        stage=relayed,
        by_hand=led_to(None),
    ),
    Cause(
        row=39,
        issues=("#12645", "#12074"),
        breaking=and_start("wsl", first=in_machine("windows", "sc.exe config SharedAccess start= disabled")),
        named=("win.services", "windows"),
        evidence="SharedAccess is disabled: needed for NAT mode",
        flows=connects("windows", _NAT_ADDRESS, 22, "SSH-2.0"),
        also=frozenset({("mtu.mirror", "wsl"), ("nested.reject", "vm1"), ("route.nested", "wsl")}),
        ordinary=True,
    ),
    Cause(
        row=26,
        issues=("#5306", "#6953", "#7377"),
        breaking=port_given_away,
        named=("port.conflict", "windows"),
        evidence="Windows has excluded tcp ports 2150-2249",
        flows=connects("lan", HOST, _PUBLISHED, "SSH-2.0"),
        stage=forwarded,
        at_boot=True,
    ),
    Cause(
        row=38,
        issues=("#12747", "#11388", "#41286"),
        breaking=in_network("wsl", "ip link set dev eth0 down"),
        named=("machine.reachable", "wsl"),
        evidence="wsl: unreachable: ",
        flows=connects("windows", _NAT_ADDRESS, 22, "SSH-2.0"),
        stage=vms_come_again,
        also=frozenset({("machine.reachable", "vm1")}),
        later=frozenset({("machine.reachable", "vm1"), ("nested.reject", "vm1"), ("route.nested", "wsl")}),
        by_hand=starts_again,
    ),
    Cause(
        row=42,
        issues=("#9231", "#8072", "#11280", "#10863", "#5401"),
        breaking=store_wsl,
        named=("wsl.remote", "windows"),
        evidence="wsl.exe does not run over WinRM, and the owner's task is not there",
        flows=is_run_from_elsewhere,
        stage=no_wsl_over_the_network,
        also=frozenset({("machine.reachable", "wsl"), ("machine.reachable", "vm1")}),
    ),
    # Last: WSL has other addresses behind it.
    Cause(
        row=14,
        issues=("#5764", "#5275", "#4601", "#11148", "#12888"),
        breaking=network_taken,
        named=("nat.subnet", "windows"),
        evidence=f"route {_COMPANYS} via 以太网",
        flows=lambda lab: bool(lab.pings("wsl", _COMPANY)),
        stage=company,
        works_before=False,
        at_boot=True,
    ),
)
"""The seed in NAT mode, after `setup --nat`."""

ON_THE_DEFAULT_SWITCH: tuple[Cause, ...] = (
    Cause(
        row=33,
        issues=("#4288", "#6433"),
        breaking=forwarding_off,
        named=("forwarding.adapters", "windows"),
        evidence="vEthernet (Default Switch)",
        flows=lambda lab: bool(lab.pings("wsl", _HYPERV_VM)),
    ),
)
"""A WSL in NAT mode beside a VM on the Default Switch, after `setup --nat`."""
