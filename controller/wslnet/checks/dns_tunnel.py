"""Where WSL's DNS tunnel is up: does the distro ask it? A resolv.conf of one's own goes past it.

The tunnel's address is on `lo`; WSL names it in its own resolv.conf, to which /etc/resolv.conf leads unless
wsl.conf says otherwise (microsoft/WSL#12310). What a resolver of the distro manages is left to it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.checks.parts.wslconfig import config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.linux_facts import SettingState
from wslnet.model.machine import Kind
from wslnet.resources.setting_file import SettingFile
from wslnet.resources.wslconf_key import WslConfKey
from wslnet_win_agent.wslconfig import WSL_CONF, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts, Persistence, Settings
    from wslnet.model.settings_in_use import Resolver
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("dns.tunnel", docs="https://github.com/microsoft/WSL/issues/12310")

_TUNNEL = "10.255.255.254"
_PATH, _SHARED = "/etc/resolv.conf", "/mnt/wsl/resolv.conf"
_KEY = "network.generateResolvConf"
_FALSE = frozenset({"false", "0"})


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.addresses is None or facts.in_use is None or facts.persistence is None or facts.settings is None:
        yield _SAY.unread(machine, "resolver")
    elif (tunnel := _tunnel(snapshot, facts)) is None:
        yield _SAY.ok(machine, "names are not asked through WSL's tunnel")
    elif tunnel in facts.in_use.resolver.nameservers:
        yield _SAY.ok(machine, "names are asked through WSL's tunnel", f"{_PATH}: nameserver {tunnel}")
    else:
        yield _machine(machine, tunnel, facts.in_use.resolver, facts.persistence, facts.settings)


def _tunnel(snapshot: Snapshot, facts: LinuxFacts) -> str | None:
    """The address of the tunnel that is up; None where there is none."""
    config = config_of(snapshot)
    asked = config.value("experimental.dnsTunnelingIpAddress") if config is not None else None
    here = {one.address for one in facts.addresses_of("lo")}
    return next((one for one in (asked, _TUNNEL) if one in here), None)


def _machine(
    machine: str, tunnel: str, resolver: Resolver, persistence: Persistence, settings: Settings
) -> Finding:
    off = _is_off(persistence)
    servers = ", ".join(resolver.nameservers) or "none"
    evidence = [f"{machine}: the tunnel is {tunnel}, and {_PATH} names {servers}"]
    evidence += [f"{machine}: {_PATH} leads to {resolver.link}"] if resolver.link is not None else []
    evidence += [f"{machine}: wsl.conf: {_KEY} = false"] if off else []
    if resolver.link not in {None, _SHARED}:
        fix = look_again(
            _SAY.code,
            f"a resolver of the distro keeps {_PATH}: have it ask {tunnel}, or",
            f"give the file back to WSL: ln -sf {_SHARED} {_PATH}, and wsl.conf without {_KEY}=false",
        )
    else:
        fix = Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (
                f"put WSL's own {_PATH} back, and take {_KEY}=false out of /etc/wsl.conf",
                "or, to keep your own servers: wslnet config set wsl2.dnsTunneling false --file PATH",
            ),
            tuple(_resources(machine, tunnel, settings, off=off)),
        )
    return _SAY.problem(
        Status.WARN,
        machine,
        "names are not asked through WSL's tunnel, which is up",
        evidence=evidence,
        cause="the tunnel asks as Windows does, VPN and company servers included; a resolv.conf of one's "
        "own names servers that may be out of reach from WSL",
        fix=fix,
    )


def _resources(machine: str, tunnel: str, settings: Settings, *, off: bool) -> Iterator[Resource]:
    why = "the tunnel answers as Windows does"
    if off:
        yield WslConfKey(machine, _KEY, None, "WSL keeps resolv.conf as it starts", rows=())
    if settings.shared_resolv:
        state, words = SettingState(link=_SHARED), f"leads to {_SHARED}"
    else:
        # WSL puts its link in the place of the file when the distro starts next.
        text = base64.b64encode(f"nameserver {tunnel}\n".encode()).decode()
        state, words = SettingState(content=text), f"nameserver {tunnel}"
    yield SettingFile(machine, _PATH, state, words, why)


def _is_off(persistence: Persistence) -> bool:
    content = base64.b64decode(persistence.wsl_conf) if persistence.wsl_conf is not None else b""
    return (read(content, WSL_CONF).value(_KEY) or "true").lower() in _FALSE


CHECK = Check(
    code=_SAY.code,
    title="Names are asked through WSL's tunnel where it is up",
    needs={
        Kind.WINDOWS: frozenset({"wslconfig"}),
        Kind.WSL: frozenset({"addresses", "in_use", "persistence", "settings"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
