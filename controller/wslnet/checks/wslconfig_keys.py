"""Does `.wslconfig` mean to WSL what it looks like? WSL drops lines without a word on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import MODE_KEY, around_wslconfig, config_of, same_mode
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.wslconfig_keys import WslConfigKeys
from wslnet_win_agent.wslconfig import WSLCONFIG
from wslnet_win_agent.wslconfig.lint import lint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts
    from wslnet.model.windows_wsl import WslConfigFile
    from wslnet_win_agent.wslconfig.reader import WslConfig

_SAY = Findings("wslconfig.keys", docs="https://learn.microsoft.com/windows/wsl/wsl-config#wslconfig")

_LINT = "wslnet config lint"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    file, config = windows.wslconfig, config_of(snapshot)
    if file is None:
        yield _SAY.unread(machine, ".wslconfig")
    elif file.error is not None:
        yield _locked(machine, file)
    elif config is None:
        yield _SAY.skip(machine, f"the content of {file.path} came damaged")
    elif not file.exists:
        yield _SAY.ok(machine, "there is no .wslconfig: WSL's defaults hold", file.path)
    else:
        yield _read(snapshot, machine, file, config)


def _locked(machine: str, file: WslConfigFile) -> Finding:
    return _SAY.problem(
        Status.FAIL,
        machine,
        ".wslconfig cannot be read",
        evidence=(f"{file.path}: {file.error}",),
        cause="another program holds it; if WSL starts now, it loses all its settings",
        fix=Fix(_LINT, ("close the editor or agent that holds the file",)),
    )


def _read(snapshot: Snapshot, machine: str, file: WslConfigFile, config: WslConfig) -> Finding:
    evidence = tuple(
        f"line {one.line}: {one.key or 'the line'}: {one.code}: {one.message}"
        + (f"; {one.suggestion}" if one.suggestion else "")
        for one in lint(config, WSLCONFIG, around_wslconfig(snapshot))
    )
    lost = _lost_mode(snapshot, config)
    if lost is not None:
        wished = (snapshot.inventory.wish.mode or "").lower()
        key, value = ("wsl2.safeMode", "false") if _is_safe(config) else (MODE_KEY, wished)
        return _SAY.problem(
            Status.FAIL,
            machine,
            ".wslconfig asks for the wished mode in a way that WSL does not take",
            evidence=(lost, *evidence),
            cause="WSL takes a key only from its own section, in valid form, and the first one of several",
            fix=Fix(
                f"wslnet config set {key} {value}",
                (f"mend {file.path} as the lines say", "let WSL start anew: wslnet restart"),
                (WslConfigKeys(machine, {key: value}, f"{wished} mode is wished"),),
            ),
        )
    if not evidence:
        count = len(config.effective)
        return _SAY.ok(machine, "WSL takes every line of .wslconfig", f"{file.path}: {count} keys")
    return _SAY.problem(
        Status.WARN,
        machine,
        "WSL does not take every line of .wslconfig",
        evidence=evidence,
        cause="WSL skips what it cannot read and says so only in a warning of the call that starts it",
        fix=Fix(_LINT, ("mend or remove these lines",)),
    )


def _lost_mode(snapshot: Snapshot, config: WslConfig) -> str | None:
    """What keeps the wished mode from taking effect although the file mentions it; None if nothing does."""
    wished = snapshot.inventory.wish.mode
    if wished is None:
        return None
    if _is_safe(config) and not same_mode(wished, "none"):
        return f"safeMode={config.value('wsl2.safeMode')} switches the network off"
    if same_mode(config.value(MODE_KEY), wished):
        return None
    return next(
        (
            f"networkingMode in line {one.line} has no effect ({one.code})"
            for one in config.findings
            if one.key.rpartition(".")[2].lower() == "networkingmode"
        ),
        None,
    )


def _is_safe(config: WslConfig) -> bool:
    """Whether safe mode is on, which leaves WSL without a network (wsl-facts 1.3)."""
    return (config.value("wsl2.safeMode") or "").lower() in {"1", "true"}


CHECK = Check(
    code=_SAY.code,
    title="WSL takes .wslconfig as it is meant",
    needs={Kind.WINDOWS: frozenset({"wslconfig", "registry", "wsl"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
