"""One case for each verb of the Windows agent: what comes before it, its arguments, and how its end shows.

`holds` reads Windows' own state. `writes` are the cmdlets that change something, for errors that end nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hyperv_rule import RULE

from wslnet.profiles.boot import network_task
from wslnet_lab.host.endpoint.registered import CONFIGURATIONS
from wslnet_lab.host.port_proxy import PortProxy
from wslnet_lab.host.state.settings import OWNER_SID
from wslnet_lab.host.tasks.store import TaskStore
from wslnet_win_agent.boot.places import DATA_FILE
from wslnet_win_agent.boot.relay_task import relay_task
from wslnet_win_agent.boot.startup_script import SCRIPTS_FILE, VERSION_FILE, scripts_in
from wslnet_win_agent.boot.task_xml import write_task
from wslnet_win_agent.endpoint import render
from wslnet_win_agent.endpoint.offer import CONFIGURATION, READS
from wslnet_win_agent.endpoint.places import VERDICT
from wslnet_win_agent.facts import NAMES
from wslnet_win_agent.ops.machine_lock import FILE as LOCK_FILE
from wslnet_win_agent.registry import IPV6_PARAMETERS, WSL_MACHINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .stage import Windows

Args = dict[str, object]
CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
HOST_RULE: Args = {
    "name": "wslnet-publish-tcp-2200",
    "display_name": "wslnet: tcp/2200@lan of Windows",
    "action": "Allow",
    "protocol": "TCP",
    "local_ports": ["2200"],
    "remote_addresses": ["172.24.21.0/24"],
    "profiles": ["Private", "Domain"],
    "program": r"%SystemRoot%\System32\svchost.exe",
    "service": "iphlpsvc",
}
CONTENT = b"[wsl2]\nnetworkingMode=mirrored\n"
BOOT_DATA: Args = {"content": base64.b64encode(b'{"version":1}').decode(), "reader": OWNER_SID}
TASK: Args = {"name": "network", "xml": write_task(network_task(OWNER_SID))}
SCRIPT: Args = {"command": "C:\\Windows\\System32\\schtasks.exe", "parameters": "/run /tn \\wslnet\\network"}
VERDICT_TEXT = b"{}"
RUN: Args = {"run": "20261121-1500", "token": "secret"}
GUARD: Args = {
    **RUN,
    "deadline_s": 20,
    "vms": [],
    "undo": [
        {"verb": "forwarding.set", "args": {"interface_index": 25, "family": 4, "enabled": False}},
    ],
}
LOCK: Args = {
    "run": "20261121-1500",
    "token": "0123456789abcdef" * 2,
    "holder": "owner@DESKTOP",
    "since": "2026-11-21 15:00",
    "lease_s": 60,
}
LISTENER: Args = {"listen_address": "*", "listen_port": 8081}
PORTPROXY: Args = {**LISTENER, "connect_address": "172.23.102.37", "connect_port": 80}
CARRIER = relay_task(5353, ["127.0.0.1"], "172.23.102.37", 53)
RELAY: Args = {"name": CARRIER.name, "xml": write_task(CARRIER)}


def _endpoint(windows: Windows) -> Args:
    own = windows.state.settings
    texts = render.files(modules=tuple(READS), account=f"{own.computer}\\{own.owner}")
    coded = {path: base64.b64encode(text.encode()).decode() for path, text in texts.items()}
    return {"files": [{"path": path, "content": content} for path, content in coded.items()]}


def _offers(windows: Windows) -> bool:
    return windows.file(rf"{CONFIGURATIONS}\{CONFIGURATION}.pssc") is not None


@dataclass(frozen=True)
class Case:
    """One verb.

    Attributes:
        args: for a Windows that `before` has been done on.
        holds: whether what a write is for is so; None for what only reads or waits.
        before: verbs with arguments, done over a good line.
        writes: the cmdlets that change something.
    """

    args: Callable[[Windows], Args]
    holds: Callable[[Windows], bool] | None = None
    before: Sequence[tuple[str, Callable[[Windows], Args]]] = ()
    writes: tuple[str, ...] = ()
    natives: bool = False


def _distro(windows: Windows) -> str:
    return str(windows.state.settings.distros[0].name)


def _start(windows: Windows) -> Args:
    return {"distro": _distro(windows)}


def _task(windows: Windows) -> object:
    return TaskStore(windows.folder / "windows").find("\\wslnet\\", "network")


def _rules(windows: Windows) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(windows.stored("firewall.json") or "{}").get("rules", {})
    return {name: row for name, row in found.items() if "wslnet" in name}


def _admits(windows: Windows) -> bool:
    return HOST_RULE["name"] in json.loads(windows.stored("firewall.json") or "{}").get("host_rules", {})


def _action(windows: Windows) -> object:
    rows = json.loads(windows.stored("firewall.json") or "{}").get("settings", {})
    return rows.get(CREATOR.lower(), {}).get("DefaultInboundAction")


def _watches(windows: Windows) -> float | None:
    order = windows.order()
    return None if order is None else order.deadline_s


def _forwards(windows: Windows) -> bool:
    return windows.hardware.cards[25].forwarding[4]


def _is_locked(windows: Windows) -> bool:
    return str(LOCK["token"]) in (windows.file(LOCK_FILE) or b"").decode()


def _published(windows: Windows) -> bool:
    return any(rule.listen_port == LISTENER["listen_port"] for rule in _portproxy(windows).rules())


def _portproxy(windows: Windows) -> PortProxy:
    return PortProxy(windows.state, windows.hardware)


def _relays(windows: Windows) -> bool:
    scheduler = windows.machine.scheduler
    task = scheduler.tasks.find("\\wslnet\\", CARRIER.name)
    return task is not None and scheduler.state(task) == "Running"


def _began(windows: Windows) -> bool:
    task = TaskStore(windows.folder / "windows").find("\\wslnet\\", "network")
    return task is not None and task.last_run is not None


def _has_script(windows: Windows) -> bool:
    return bool(scripts_in(windows.file(SCRIPTS_FILE)))


INSTALLED = (("boot_data.write", lambda _: BOOT_DATA), ("task.register", lambda _: TASK))
ARMED = (*INSTALLED, ("guard.arm", lambda _: GUARD))

CASES: dict[str, Case] = {
    "endpoint.install": Case(
        _endpoint,
        _offers,
        writes=("New-Item", "Set-Content", "Register-PSSessionConfiguration"),
        natives=True,
    ),
    "endpoint.remove": Case(
        lambda _: {},
        lambda w: not _offers(w),
        before=[("endpoint.install", _endpoint)],
        writes=("Unregister-PSSessionConfiguration",),
    ),
    "endpoint.probe": Case(lambda _: {"owner": "DESKTOP\\nobody"}),
    "endpoint.verdict": Case(
        lambda _: {"content": base64.b64encode(VERDICT_TEXT).decode()},
        lambda w: w.file(VERDICT) == VERDICT_TEXT,
        before=[("endpoint.install", _endpoint)],
        writes=("Set-Content",),
    ),
    "lock.status": Case(lambda _: {}, before=[("lock.hold", lambda _: LOCK)]),
    # It makes its file up to three times, since New-Item makes it or fails: no error ends it at once.
    "lock.hold": Case(lambda _: LOCK, _is_locked),
    "lock.release": Case(
        lambda _: LOCK,
        lambda w: not _is_locked(w),
        before=[("lock.hold", lambda _: LOCK)],
        writes=("Remove-Item",),
    ),
    "portproxy.set": Case(lambda _: PORTPROXY, _published, natives=True),
    "portproxy.remove": Case(
        lambda _: LISTENER,
        lambda w: not _published(w),
        before=[("portproxy.set", lambda _: PORTPROXY)],
        natives=True,
    ),
    "dynamic_ports.set": Case(
        lambda _: {"proto": "tcp", "first": 20000, "last": 60000},
        lambda w: tuple(w.state.settings.dynamic_ports["tcp"]) == (20000, 60000),
        natives=True,
    ),
    "nat_range.set": Case(
        lambda _: {"network": "172.30.96.0/20", "gateway": "172.30.96.1"},
        lambda w: w.state.registry.get(WSL_MACHINE, "NatNetwork", OWNER_SID) == "172.30.96.0/20",
        writes=("Set-ItemProperty",),
    ),
    "service.set": Case(
        lambda _: {"name": "iphlpsvc", "start": "Manual", "running": False},
        lambda w: (
            w.state.services.data["iphlpsvc"]["start"] == "Manual"
            and w.state.services.data["iphlpsvc"]["state"] == "Stopped"
        ),
        writes=("Set-Service", "Stop-Service"),
    ),
    "windows_value.set": Case(
        lambda _: {"name": "DisabledComponents", "value": 32},
        lambda w: w.state.registry.get(IPV6_PARAMETERS, "DisabledComponents", OWNER_SID) == 32,
        writes=("Set-ItemProperty",),
    ),
    "relay.put": Case(lambda _: RELAY, _relays, writes=("Register-ScheduledTask", "Start-ScheduledTask")),
    "relay.remove": Case(
        lambda _: {"name": RELAY["name"]},
        lambda w: w.machine.scheduler.tasks.find("\\wslnet\\", CARRIER.name) is None,
        before=[("relay.put", lambda _: RELAY)],
        writes=("Stop-ScheduledTask", "Unregister-ScheduledTask"),
    ),
    "guard.status": Case(lambda _: {}, before=ARMED),
    "guard.arm": Case(lambda _: GUARD, lambda w: _watches(w) == 20, before=INSTALLED),
    "guard.extend": Case(lambda _: {**RUN, "deadline_s": 50}, lambda w: _watches(w) == 50, before=ARMED),
    "guard.disarm": Case(lambda _: RUN, lambda w: _watches(w) is None, before=ARMED),
    "facts": Case(lambda _: {"needs": sorted(NAMES)}, before=[("wsl.start", _start)], natives=True),
    "probes": Case(
        lambda _: {
            "probes": [
                {"proto": "icmp", "dst": "172.24.21.254"},
                {"proto": "tcp", "dst": "172.24.21.254", "port": 22},
            ]
        }
    ),
    "forwarding.set": Case(
        lambda _: {"interface_index": 25, "family": 4, "enabled": True},
        _forwards,
        writes=("Set-NetIPInterface",),
    ),
    "host_rule.put": Case(lambda _: HOST_RULE, _admits, writes=("New-NetFirewallRule",)),
    "host_rule.remove": Case(
        lambda _: {"name": HOST_RULE["name"]},
        lambda w: not _admits(w),
        before=[("host_rule.put", lambda _: HOST_RULE)],
        writes=("Remove-NetFirewallRule",),
    ),
    "hyperv_rule.create": Case(
        lambda _: RULE, lambda w: bool(_rules(w)), writes=("New-NetFirewallHyperVRule",)
    ),
    "hyperv_rule.remove": Case(
        lambda _: {"name": RULE["name"]},
        lambda w: not _rules(w),
        before=[("hyperv_rule.create", lambda _: RULE)],
        writes=("Remove-NetFirewallHyperVRule",),
    ),
    "hyperv_setting.set": Case(
        lambda _: {"creator": CREATOR, "default_inbound_action": "Allow"},
        lambda w: _action(w) == 2,
        before=[("wsl.start", _start)],
        writes=("New-NetFirewallHyperVVMSetting", "Set-NetFirewallHyperVVMSetting"),
    ),
    "task.register": Case(lambda _: TASK, lambda w: _task(w) is not None, writes=("Register-ScheduledTask",)),
    "task.unregister": Case(
        lambda _: {"name": "network"},
        lambda w: _task(w) is None,
        before=[("task.register", lambda _: TASK)],
        writes=("Unregister-ScheduledTask",),
    ),
    "task.start": Case(
        lambda _: {"name": "network"},
        _began,
        before=[("task.register", lambda _: TASK)],
        writes=("Start-ScheduledTask",),
    ),
    "startup_script.put": Case(
        lambda _: SCRIPT,
        _has_script,
        writes=("New-Item", "Set-Content"),
    ),
    "startup_script.remove": Case(
        lambda _: SCRIPT,
        # Put raised the version to 1: a list without it counts only with the next one.
        lambda w: not _has_script(w) and b"Version=2" in (w.file(VERSION_FILE) or b""),
        before=[("startup_script.put", lambda _: SCRIPT)],
        writes=("Remove-Item", "Set-Content"),
    ),
    "boot_data.write": Case(
        lambda _: BOOT_DATA,
        lambda w: w.file(DATA_FILE) == b'{"version":1}',
        writes=("New-Item", "Set-Content"),
        natives=True,
    ),
    "boot_data.remove": Case(
        lambda _: {},
        lambda w: w.file(DATA_FILE) is None,
        before=[("boot_data.write", lambda _: BOOT_DATA)],
        writes=("Remove-Item",),
    ),
    "wslconfig.write": Case(
        lambda w: {
            "path": w.state.wslconfig_path(),
            "content": base64.b64encode(CONTENT).decode(),
            "expect_sha256": None,
        },
        lambda w: w.file(w.state.wslconfig_path()) == CONTENT,
        writes=("Set-Content", "Move-Item"),
    ),
    "wsl.update": Case(
        lambda _: {"pre": False}, lambda w: w.state.settings.wsl_version == "2.6.3.0", natives=True
    ),
    "wsl.start": Case(_start, lambda w: w.hardware.wsl.running, natives=True),
    "wsl.shutdown": Case(
        lambda _: {}, lambda w: not w.hardware.wsl.running, before=[("wsl.start", _start)], natives=True
    ),
    "wsl.hold": Case(
        lambda w: {"distro": _distro(w), "seconds": 1}, before=[("wsl.start", _start)], natives=True
    ),
}
