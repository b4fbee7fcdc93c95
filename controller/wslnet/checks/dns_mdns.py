"""Are names in .local found where the distro has what finds them (microsoft/WSL#11852)?

Three things are needed: the library nss-mdns, its word in nsswitch.conf, and multicast, which only mirrored
mode carries. Without the library nobody has asked for it.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.linux_facts import SettingState
from wslnet.model.machine import Kind
from wslnet.resources.setting_file import SettingFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts, Settings
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("dns.mdns", docs="https://github.com/microsoft/WSL/issues/11852")

_PATH = "/etc/nsswitch.conf"
_HOSTS = re.compile(r"^(?P<head>hosts:[ \t]*)(?P<words>.*)$", re.MULTILINE)
_DNS = re.compile(r"(?:^|(?<=\s))(?:resolve|dns)\b")
_ADDED = "mdns4_minimal [NOTFOUND=return] "


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif facts.settings is None:
        yield _SAY.unread(machine, _PATH)
    elif not facts.settings.mdns:
        yield _SAY.ok(machine, "names in .local are not asked for: there is no libnss-mdns")
    else:
        yield _machine(machine, snapshot.mode, facts.settings)


def _machine(machine: str, mode: str, settings: Settings) -> Finding:
    state = settings.files.get(_PATH)
    text = base64.b64decode((state.content if state is not None else None) or "").decode("latin-1")
    hosts = _HOSTS.search(text)
    line = f"{machine}: {_PATH}: {hosts[0] if hosts is not None else 'no line for hosts'}"
    asks = hosts is not None and "mdns" in hosts["words"]
    if mode != "mirrored" and asks:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"names in .local are asked for, and {mode} mode carries no multicast",
            evidence=(line, f"{machine}: mode {mode}"),
            cause="the question goes to 224.0.0.251, which does not leave WSL's own network",
            fix=Fix("wslnet setup --mirrored", ("mirrored mode carries multicast",)),
        )
    if asks or hosts is None or _DNS.search(hosts["words"]) is None:
        return _SAY.ok(machine, "names in .local are asked for as nsswitch.conf says", line)
    new = _HOSTS.sub(
        lambda one: one["head"] + _DNS.sub(lambda dns: _ADDED + dns[0], one["words"], 1), text, 1
    )
    content = base64.b64encode(new.encode("latin-1")).decode()
    return _SAY.problem(
        Status.WARN,
        machine,
        "nss-mdns is installed, and nobody asks it for names in .local",
        evidence=(line,),
        cause="glibc asks only whom the line `hosts:` names",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            (f"in {_PATH}: {_ADDED.strip()} before the word dns",),
            (
                SettingFile(
                    machine,
                    _PATH,
                    SettingState(content=content),
                    "mdns before dns",
                    "names in .local are found",
                ),
            ),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Names in .local are found where they are asked for",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"settings", "wsl"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
