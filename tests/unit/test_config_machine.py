"""`wslnet config` of the machines: which file a key is of, what will be used against what is used now."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.config_file import ConfigFile
from wslnet.app.config_in_force import not_in_force
from wslnet.app.config_machine import MachineFiles, read_files, schema_of_key
from wslnet.checks.parts.wslconfig import numbers
from wslnet.cli.config_machine import document
from wslnet.errors import AgentError, InputError
from wslnet.model.linux_facts import Identity, LinuxFacts, Persistence, WslInfo
from wslnet.model.linux_network import Route
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.settings_in_use import InUse, Resolver
from wslnet.model.snapshot import Snapshot, Unseen
from wslnet.model.windows_facts import Registry, WindowsFacts
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG, read
from wslnet_win_agent.wslconfig.lint import Surroundings, coming_mode, lint

if TYPE_CHECKING:
    from wslnet.app.config_report import Difference

INVENTORY = Inventory(
    Path("wslnet.toml"),
    Path("state"),
    {"windows": Machine("windows", Kind.WINDOWS), "wsl": Machine("wsl", Kind.WSL, parent="windows")},
)
GIGABYTE_KB = 1 << 20


def told(
    wslconfig: str = "", wsl_conf: str = "", *, policies: dict[str, Any] | None = None, **inside: Any
) -> dict[str, Difference]:
    facts = LinuxFacts(**({"wsl": WslInfo("nat")} | inside))
    around = Surroundings(policies=policies or {})
    files = (
        ConfigFile(".wslconfig", WSLCONFIG, wslconfig.encode(), around),
        ConfigFile("/etc/wsl.conf", WSL_CONF, wsl_conf.encode(), Surroundings()),
    )
    snapshot = Snapshot(INVENTORY, {"wsl": facts})
    return {one.key: one for _, one in not_in_force(MachineFiles(snapshot, files))}


@pytest.mark.row("S3-27", "S3-28")
def test_what_wsl_will_use_against_what_it_uses_now() -> None:
    used = InUse(memory_kb=15 * GIGABYTE_KB, processors=8, command_line="initrd=x quiet")
    text = "[wsl2]\nnetworkingMode=mirrored\nmemory=8GB\nprocessors=0x4\nkernelCommandLine=ipv6.disable=1\n"
    found = told(text, in_use=used)
    assert {(one.key, one.line, one.used, one.now) for one in found.values()} == {
        ("wsl2.networkingMode", 2, "mirrored", "nat"),
        ("wsl2.memory", 3, "8GB", "15360MB"),
        ("wsl2.processors", 4, "0x4", "8"),
        ("wsl2.kernelCommandLine", 5, "ipv6.disable=1", "initrd=x quiet"),
    }
    assert "fell back" in found["wsl2.networkingMode"].reason
    taken = InUse(memory_kb=int(7.7 * GIGABYTE_KB), processors=4, command_line="x ipv6.disable=1")
    assert told(text, in_use=taken, wsl=WslInfo("mirrored")) == {}


def test_a_default_that_is_not_in_use_is_told_too() -> None:
    (one,) = told("", wsl=WslInfo("mirrored")).values()
    assert (one.key, one.line, one.written, one.used, one.now) == (
        "wsl2.networkingMode", 0, "(not set)", "nat", "mirrored"
    )  # fmt: skip


def test_a_policy_counts_more_than_the_file() -> None:
    fixed = {"AllowNetworkingModeUserSetting": 0, "DefaultNetworkingMode": 3}
    (one,) = told("[wsl2]\nnetworkingMode=nat\n", policies=fixed).values()
    assert (one.used, one.now) == ("mirrored", "nat")


@pytest.mark.row("S3-21", "S3-23")
def test_tunnel_and_loopback_leave_a_trace() -> None:
    mirrored = WslInfo("mirrored")
    tunnel = InUse(memory_kb=1, resolver=Resolver("/mnt/wsl/resolv.conf", ("10.255.255.254",)))
    text = "[wsl2]\nnetworkingMode=mirrored\ndnsTunneling=false\n[experimental]\nhostAddressLoopback=true\n"
    found = told(text, wsl=mirrored, in_use=tunnel, routes=())
    assert (found["wsl2.dnsTunneling"].used, found["wsl2.dnsTunneling"].now) == (
        "false", "true (nameserver 10.255.255.254)"
    )  # fmt: skip
    assert found["experimental.hostAddressLoopback"].now == "false"
    back = Route(4, "172.24.21.109", table=128)
    now = told(text.replace("dnsTunneling=false", ""), wsl=mirrored, in_use=tunnel, routes=(back,))
    assert now == {}
    # Without a server nothing can be told.
    assert told("[wsl2]\ndnsTunneling=false\n", in_use=InUse()) == {}


@pytest.mark.row("S3-39", "S3-41")
def test_wsl_conf_against_the_running_distribution() -> None:
    found = told(
        wsl_conf="[boot]\nsystemd=true\n[network]\nhostname=box\ngenerateResolvConf=false\n",
        persistence=Persistence(systemd=False),
        identity=Identity("debian", "6.6", "id", "3.11", 0),
        in_use=InUse(resolver=Resolver("/mnt/wsl/resolv.conf", ("10.255.255.254",))),
    )
    assert {(one.key, one.line, one.used) for one in found.values()} == {
        ("boot.systemd", 2, "true"),
        ("network.hostname", 4, "box"),
        ("network.generateResolvConf", 5, "false"),
    }
    assert found["network.generateResolvConf"].now == "true (/etc/resolv.conf leads to /mnt/wsl/resolv.conf)"
    copied = InUse(resolver=Resolver(None, ("10.255.255.254",)))
    assert told(in_use=copied, persistence=Persistence()) == {}, "a plain file may be a copy of WSL's"


@pytest.mark.parametrize(
    ("name", "schema", "key"),
    [
        ("wsl2.memory", WSLCONFIG, "wsl2.memory"),
        ("EXPERIMENTAL.networkingmode", WSLCONFIG, "wsl2.networkingMode"),
        ("general.instanceIdleTimeout", WSLCONFIG, "general.instanceIdleTimeout"),
        ("general.guiApplications", WSL_CONF, "general.guiApplications"),
        ("boot.systemd", WSL_CONF, "boot.systemd"),
    ],
)
def test_a_key_tells_its_file(name: str, schema: object, key: str) -> None:
    assert schema_of_key(name, None) == (schema, key)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("boot.sytemd", "did you mean boot.systemd?"), ("wsl2.memroy", "did you mean wsl2.memory?")],
)
def test_a_misspelt_key_is_answered_with_the_right_one(name: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        schema_of_key(name, None)
    assert refused.value.hint == hint


class Machines:
    """A fleet whose machines answer from memory."""

    inventory = INVENTORY

    def __init__(self, **facts: Any) -> None:
        self.facts = facts


def seen(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> Machines:
    unseen = {name: Unseen("unreachable", "it is off") for name in INVENTORY.machines if name not in facts}
    snapshot = Snapshot(INVENTORY, facts, unseen)
    monkeypatch.setattr("wslnet.app.config_machine.gather", lambda _fleet, _needs: snapshot)
    return Machines(**facts)


def windows(text: str, **more: Any) -> WindowsFacts:
    content = base64.b64encode(text.encode()).decode()
    return WindowsFacts(
        wslconfig=WslConfigFile(r"C:\Users\me\.wslconfig", exists=True, content=content), **more
    )


@pytest.mark.row("S3-34", "S3-35", "S0-05")
def test_lint_knows_what_the_machines_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = windows(
        "[wsl2]\nnetworkingMode=mirrored\nkernelModules=C:\\\\m\nkernel=C:\\\\k\n",
        registry=Registry(policies={"AllowKernelUserSetting": 0}),
        wsl=WslService(installed=True, version="2.0.9.0"),
    )
    inside = LinuxFacts(
        persistence=Persistence(wsl_conf=base64.b64encode(b"[network]\ngenerateResolvConf=false\n").decode()),
        in_use=InUse(wsl_conf_link="/mnt/d/wsl.conf"),
    )
    fleet: Any = seen(monkeypatch, windows=facts, wsl=inside)
    told = document(read_files(fleet, (WSLCONFIG, WSL_CONF)))
    assert [(one["code"], one["key"], one["file"]) for one in told["findings"]] == [
        ("too-new", "wsl2.kernelModules", r"C:\Users\me\.wslconfig"),
        ("policy", "wsl2.kernel", r"C:\Users\me\.wslconfig"),
        ("symlink", "", "/etc/wsl.conf"),
        ("dns-conflict", "network.generateResolvConf", "/etc/wsl.conf"),
    ]
    assert told["effective"]["network.generateResolvConf"]["file"] == "/etc/wsl.conf"
    assert told["unread"] == []


def test_a_machine_that_is_off_hides_its_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet: Any = seen(monkeypatch, windows=windows("[wsl2]\n"))
    found = read_files(fleet, (WSLCONFIG, WSL_CONF))
    assert [one.schema for one in found.files] == [WSLCONFIG]
    assert document(found)["unread"] == [{"file": "wsl.conf", "machine": "wsl", "reason": "it is off"}]
    locked = WindowsFacts(wslconfig=WslConfigFile("C:\\f", exists=True, error="used by another process"))
    fleet = seen(monkeypatch, windows=locked)
    with pytest.raises(AgentError, match="used by another process"):
        read_files(fleet, (WSLCONFIG,))


@pytest.mark.parametrize(
    ("text", "policies", "mode"),
    [
        ("", {}, "nat"),
        ("", {"DefaultNetworkingMode": 3}, "mirrored"),
        ("[wsl2]\nnetworkingMode=NAT\n", {"DefaultNetworkingMode": 3}, "nat"),
        ("[wsl2]\nnetworkingMode=nat\n", {"AllowNetworkingModeUserSetting": 0}, "nat"),
        ("[wsl2]\nnetworkingMode=bridged\n", {"AllowNetworkingModeUserSetting": 0}, "nat"),
        ("[wsl2]\nnetworkingMode=none\n", {"AllowNetworkingModeUserSetting": 0}, "none"),
        ("[wsl2]\nnetworkingMode=VirtioProxy\n", {}, "consomme"),
        ("[wsl2]\nnetworkingMode=mirrored\nsafeMode=true\n", {}, "none"),
        ("[wsl2]\nnetworkingMode=mirored\n", {"DefaultNetworkingMode": 4}, "consomme"),
    ],
)
def test_the_mode_that_a_file_leads_to(text: str, policies: dict[str, Any], mode: str) -> None:
    assert coming_mode(read(text.encode()), policies) == mode


@pytest.mark.row("S3-33")
def test_the_windows_dns_cache_goes_with_dns_tunnelling() -> None:
    text = "[wsl2]\ndnsTunneling={}\n[experimental]\nuseWindowsDnsCache=false\n"
    (known,) = lint(read(text.format("true").encode()), WSLCONFIG)
    assert (known.code, known.line, known.key) == ("unknown-key", 4, "experimental.useWindowsDnsCache")
    assert known.message == "WSL does not know this key any more; it went with dnsTunneling"
    off = lint(read(text.format("false").encode()), WSLCONFIG)
    assert [(one.code, one.line) for one in off] == [("unknown-key", 4), ("dead-key", 4)]
    assert off[1].message == "goes with dnsTunneling, which is off"


def test_versions_as_numbers() -> None:
    assert [numbers(text) for text in ("2.6.3.0", "2.9.4-pre", "", None)] == [
        (2, 6, 3, 0),
        (2, 9),
        None,
        None,
    ]
