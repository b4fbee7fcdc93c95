"""Does /etc/wsl.conf mean to WSL what it looks like, and can WSL read it when it has to?

WSL stops at the first bad line; it reads the file before other file systems are there; and what its command
leaves in the background dies with the command.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.checks.parts.wslconfig import config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.linux_facts import SettingState
from wslnet.model.machine import Kind
from wslnet.resources.setting_file import SettingFile
from wslnet.resources.wslconf_key import WslConfKey
from wslnet_win_agent.wslconfig import WSL_CONF, read
from wslnet_win_agent.wslconfig.lint import Surroundings, lint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("wslconf.keys", docs="https://learn.microsoft.com/windows/wsl/wsl-config#wslconf")

_PATH = "/etc/wsl.conf"
_LINT = "wslnet config lint"
_RESOLV = "network.generateResolvConf"


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.persistence is None or facts.in_use is None:
        yield _SAY.unread(machine, _PATH)
    elif facts.persistence.wsl_conf is None:
        yield _SAY.ok(machine, f"there is no {_PATH}: WSL's defaults hold")
    else:
        yield _machine(snapshot, machine, facts.persistence.wsl_conf, facts.in_use.wsl_conf_link)


def _machine(snapshot: Snapshot, machine: str, content: str, link: str | None) -> Finding:
    config = read(base64.b64decode(content), WSL_CONF)
    found = lint(config, WSL_CONF, Surroundings(other=config_of(snapshot), symlink=link))
    if not found:
        return _SAY.ok(machine, f"WSL takes every line of {_PATH}")
    codes = {one.code for one in found}
    resources = tuple(_resources(machine, content, codes))
    return _SAY.problem(
        Status.WARN,
        machine,
        f"WSL does not take {_PATH} as it is meant",
        evidence=(
            f"line {one.line}: {one.key or 'the line'}: {one.code}: {one.message}"
            + (f"; {one.suggestion}" if one.suggestion else "")
            for one in found
        ),
        cause="WSL reads the file once, when the distro starts, and says nothing of what it leaves out",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix" if resources else _LINT,
            ("mend or remove these lines", "let the distro start anew: wslnet restart"),
            resources,
        ),
    )


def _resources(machine: str, content: str, codes: set[str]) -> Iterator[Resource]:
    if "symlink" in codes:
        why = "WSL reads it before what the link leads to is mounted"
        yield SettingFile(
            machine, _PATH, SettingState(content=content), "a file with the same content", why, rows=()
        )
    elif "dns-conflict" in codes:
        yield WslConfKey(machine, _RESOLV, None, "the DNS tunnel of .wslconfig needs it", rows=())


CHECK = Check(
    code=_SAY.code,
    title="WSL takes wsl.conf as it is meant",
    needs={
        Kind.WINDOWS: frozenset({"wslconfig"}),
        Kind.WSL: frozenset({"persistence", "in_use", "settings"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
