"""Which networking mode WSL really runs in, against the wish. Recognises WSL's silent fallbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wslconfig import MODE_KEY, config_of, same_mode
from wslnet.model.fallback import codes_told, lacks_ports, why_fallen_back
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.dynamic_ports import USUAL, DynamicPorts
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet_win_agent.wslconfig.reader import WslConfig

_SAY = Findings("mode.actual", docs="https://learn.microsoft.com/windows/wsl/networking")

_SETUP_MODES = frozenset({"mirrored", "nat", "bridged"})
_BEHIND_A_FALLBACK = (
    "windows.build",
    "wsl.version",
    "hyperv.firewall",
    "hns.networks",
    "ipv6.components",
    "kernel.version",
    "wslconfig.keys",
)
_PORT_STEPS = (
    "give Windows its dynamic ports back: netsh int ipv4 set dynamicport tcp start=49152 num=16384",
    "the same with udp, and both with ipv6",
    "reboot Windows",
)
"""No 4096 ports in a row are free: the dynamic range was moved, or is full of exclusions (wsl-facts 6, 4)."""

_NOT_STARTED_SINCE = "or .wslconfig was changed after WSL had started, which reads it only then"


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    machine = snapshot.inventory.wsl
    if machine is None:
        return
    measured, wished = snapshot.mode, snapshot.inventory.wish.mode
    if measured is None:
        yield _SAY.skip(
            machine.name,
            "the mode can be measured only while WSL runs and answers",
            depends_on=MODE_KNOWN_BY,
        )
    elif wished is None:
        yield _SAY.ok(machine.name, f"WSL runs in {measured} mode", f"measured by wslinfo: {measured}")
    elif same_mode(measured, wished):
        yield _SAY.ok(
            machine.name, f"WSL runs in {measured} mode, as wished", f"measured by wslinfo: {measured}"
        )
    else:
        yield _other_mode(snapshot, machine.name, measured, wished)


def _other_mode(snapshot: Snapshot, machine: str, measured: str, wished: str) -> Finding:
    config = config_of(snapshot)
    asked = _asked(config)
    fell_back = config is not None and same_mode(asked, wished)
    return _SAY.problem(
        Status.FAIL,
        machine,
        f"WSL runs in {measured} mode, {wished} is wished",
        evidence=(f"measured by wslinfo: {measured}", f"wished: {wished}", _config_line(config)),
        cause=_policy(snapshot) or _cause(snapshot, measured, asked, fell_back=fell_back),
        fix=_fix(snapshot, wished, fell_back=fell_back),
        depends_on=_explained_by(config, fell_back=fell_back),
    )


def _explained_by(config: WslConfig | None, *, fell_back: bool) -> tuple[str, ...]:
    """The checks whose failure would explain the mode; a file that was not read explains nothing."""
    if fell_back:
        return _BEHIND_A_FALLBACK
    return ("wslconfig.keys",) if config is not None else ()


def _asked(config: WslConfig | None) -> str | None:
    return config.value(MODE_KEY) if config is not None else None


def _config_line(config: WslConfig | None) -> str:
    if config is None:
        return ".wslconfig was not read"
    setting = config.effective.get(MODE_KEY)
    if setting is None:
        return ".wslconfig does not set networkingMode"
    return f".wslconfig line {setting.line}: networkingMode={setting.value}"


def _policy(snapshot: Snapshot) -> str | None:
    registry = snapshot.windows.registry if snapshot.windows is not None else None
    if registry is None or registry.policies.get("AllowNetworkingModeUserSetting") != 0:
        return None
    return "a policy (AllowNetworkingModeUserSetting = 0) fixes the mode, whatever .wslconfig says"


def _cause(snapshot: Snapshot, measured: str, asked: str | None, *, fell_back: bool) -> str:
    why = why_fallen_back(measured, codes_told(snapshot.windows, measured))
    if fell_back:
        return f"{why}; {_NOT_STARTED_SINCE}"
    if asked is not None and not same_mode(asked, measured):
        return f".wslconfig asks for {asked}, and {why}"
    if asked is not None:
        return f".wslconfig asks for {asked}"
    return ".wslconfig asks for no mode that WSL takes, so its default holds"


def _ports_back(snapshot: Snapshot, machine: str) -> tuple[DynamicPorts, ...]:
    """The dynamic ports of Windows, where they were moved and WSL has said that it lacks some."""
    if snapshot.windows is None or not lacks_ports(snapshot.windows, snapshot.mode):
        return ()
    return tuple(
        DynamicPorts(machine, one.proto, *USUAL, "mirrored mode needs 4096 ports in a row")
        for one in snapshot.windows.port_ranges or ()
        if one.dynamic not in {None, USUAL}
    )


def _may_be_of_an_older_start(snapshot: Snapshot) -> bool:
    """Whether nothing says that another start would end like this one: no policy, no code of Windows'."""
    return _policy(snapshot) is None and not codes_told(snapshot.windows, snapshot.mode)


def _fix(snapshot: Snapshot, wished: str, *, fell_back: bool) -> Fix:
    mode = wished.lower()
    command = f"wslnet setup --{mode}" if mode in _SETUP_MODES else f"wslnet config set {MODE_KEY} {mode}"
    windows = snapshot.inventory.windows
    if fell_back:
        ports = () if windows is None else _ports_back(snapshot, windows.name)
        return Fix(
            command,
            (
                "mend what doctor names beside this, if it names anything",
                *(_PORT_STEPS if lacks_ports(snapshot.windows, snapshot.mode) else ()),
                "let WSL start anew: wslnet restart, which measures the mode again",
            ),
            ports,
            restarts=bool(ports) or _may_be_of_an_older_start(snapshot),
        )
    resources = (
        () if windows is None else (WslConfigKeys(windows.name, {MODE_KEY: mode}, f"{mode} is wished"),)
    )
    return Fix(
        command, (f"set networkingMode={mode} under [wsl2]", "let WSL start anew: wslnet restart"), resources
    )


CHECK = Check(
    code=_SAY.code,
    title="WSL runs in the wished networking mode",
    needs={
        Kind.WINDOWS: frozenset({"port_ranges", "registry", "wsl", "wsl_events", "wslconfig"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=_judge,
    depends_on=(*MODE_KNOWN_BY, *_BEHIND_A_FALLBACK),
    docs=_SAY.docs,
)
