"""Opens everything that one Windows remembers below `LAB/windows` and makes what is not there yet.

The single owner of the state files; commands and WSL share one `MachineState`. It sends nothing anywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.state.acl import FileSecurity
from wslnet_lab.host.state.boot import open_boot
from wslnet_lab.host.state.builtin_rules import builtin_rules
from wslnet_lab.host.state.disk import Disk
from wslnet_lab.host.state.firewall import HyperVFirewall, fresh_firewall
from wslnet_lab.host.state.first_install import (
    install_files,
    install_registry,
    install_services,
    versions,
)
from wslnet_lab.host.state.json_file import JsonFile
from wslnet_lab.host.state.registry import RegistryStore, value_of
from wslnet_lab.host.state.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

WSLCONFIG_LOCKED = "wslconfig-locked"
WINNAT_TAKES_PORTS = "winnat-takes-ports"
"""Fault of `lab break`: Windows has given TCP ports to winnat, where its dynamic ones were once that low."""

_OF_WINNAT = (2150, 2249, False)
_CULTURES = {"culture-zh-cn": "zh-CN", "culture-de-de": "de-DE"}


class MachineState:
    r"""The state of one Windows.

    Attributes:
        settings: What kind of Windows it is.
        registry: Keys and values.
        disk: Drive C:.
        firewall: The stores of the Hyper-V firewall.
        persistent_firewall: The file of the firewall stores, with the host's own rules and profiles.
        network: What networks keep over a reboot: interface settings, routes, categories.
        services: Service name → display name, start type, state.
        boot: What a reboot loses.
        acl: Who may do what with files.
    """

    def __init__(self, lab_dir: Path, *, resumed: bool = False) -> None:
        """Opens the state of the lab in `lab_dir`; not `resumed` means that Windows boots."""
        folder = lab_dir / "windows"
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._faults = lab_dir / "faults.json"
        self._settings = lab_dir / "windows.json"
        self.settings = Settings.load(self._settings)
        first_install = not (folder / "registry.json").exists()
        self.registry = RegistryStore(
            JsonFile(folder / "registry.json", lambda: install_registry(self.settings))
        )
        self.disk = Disk(folder / "C", self._locked_files)
        if first_install:
            install_files(folder / "C", self.settings)
        self.acl = FileSecurity(folder, self.settings.owner_sid)
        self.boot = open_boot(folder / "boot.json", resumed=resumed)
        self.persistent_firewall = JsonFile(
            folder / "firewall.json", lambda: {**fresh_firewall(), "host_rules": builtin_rules()}
        )
        self.firewall = HyperVFirewall(self.persistent_firewall, self.boot)
        self.network = JsonFile(
            folder / "network.json", lambda: {"interfaces": {}, "routes": [], "categories": {}}
        )
        self.services = JsonFile(folder / "services.json", lambda: install_services(self.settings))
        if not resumed:
            with self.boot.change() as boot:
                boot["dynamic_ports"] = dict(self.settings.dynamic_ports)
                boot["given_from"] = [self.settings.dynamic_ports["tcp"]]
            self._renew_versions()
            self._start_services()

    def update_wsl(self, version: str) -> None:
        """Another WSL is installed, and stays over boots."""
        self._keep("wsl_version", version)
        self.settings = replace(self.settings, wsl_version=version)
        self._renew_versions()

    def move_dynamic_ports(self, proto: str, first: int, last: int) -> None:
        """Windows takes other ports for outgoing connections of a protocol, at once and over boots."""
        moved = {**self.settings.dynamic_ports, proto: (first, last)}
        self._keep("dynamic_ports", moved)
        self.settings = replace(self.settings, dynamic_ports=moved)
        if proto == "tcp":
            with self.boot.change() as boot:
                boot["given_from"].append((first, last))

    def _keep(self, name: str, value: object) -> None:
        own = json.loads(self._settings.read_text("utf-8")) if self._settings.exists() else {}
        fresh = self._settings.with_suffix(".new")
        fresh.write_text(json.dumps(own | {name: value}), "utf-8")
        fresh.replace(self._settings)  # the port tracker reads it at any moment

    def _renew_versions(self) -> None:
        """The settings may have another Windows or WSL than at the last boot, as after an update."""
        for key, values in versions(self.settings).items():
            for name, data in values.items():
                if self.registry.get(key, name, self.settings.owner_sid) != data:
                    self.registry.set(key, name, value_of(data), self.settings.owner_sid)

    def faults(self) -> dict[str, Any]:
        """The faults that are on now: name → parameters (`faults.json`: a list or a table in `faults`)."""
        if not self._faults.exists():
            return {}
        names = json.loads(self._faults.read_text("utf-8") or "{}").get("faults", {})
        rows = names.items() if isinstance(names, dict) else ((name, True) for name in names)
        return {
            name: given if isinstance(given, dict) else {}
            for name, given in rows
            if given is not False and given is not None
        }

    def excluded_ports(self, proto: str) -> tuple[tuple[int, int, bool], ...]:
        """First port, last port, whether an administrator excluded them: nobody else is given these."""
        kept = self.settings.excluded_ports.get(proto, ())
        taken = proto == "tcp" and WINNAT_TAKES_PORTS in self.faults() and self._gave_ports()
        return (*kept, _OF_WINNAT) if taken else tuple(kept)

    def _gave_ports(self) -> bool:
        """Whether in this boot the dynamic ports, of which winnat is given some, were ever around its own."""
        low, high, _ = _OF_WINNAT
        return any(first <= low and high <= last for first, last in self.boot.data["given_from"])

    def culture(self) -> str:
        """The language of messages now: the setting, or what a `culture-…` fault says."""
        faults = self.faults()
        return next((culture for name, culture in _CULTURES.items() if name in faults), self.settings.culture)

    def wslconfig_path(self) -> str:
        """Where the owner's `.wslconfig` is looked for."""
        return f"{self.settings.home}\\.wslconfig"

    def log_event(self, source: str, level: str, text: str) -> None:
        """Appends a record to the Application event log."""
        record = {"at": datetime.now(UTC).isoformat(), "source": source, "level": level, "text": text}
        with (self._folder / "events.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(record, ensure_ascii=False) + "\n")

    def events(self) -> list[dict[str, str]]:
        """The Application event log, oldest first."""
        path = self._folder / "events.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def _start_services(self) -> None:
        """Each service is again in the state that this Windows boots it into."""
        with self.services.change() as rows:
            fresh = install_services(self.settings)
            for name, row in fresh.items():
                row["start"] = rows.get(name, row)["start"]
                if row["start"] == "Disabled":
                    row["state"] = "Stopped"
            rows.clear()
            rows.update(fresh)

    def _locked_files(self) -> frozenset[str]:
        return frozenset({self.wslconfig_path()}) if WSLCONFIG_LOCKED in self.faults() else frozenset()
