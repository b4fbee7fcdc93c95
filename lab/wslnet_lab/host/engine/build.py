"""Puts an engine together from the oracle's reading, the registered models and the machine's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.engine import objects
from wslnet_lab.host.engine.catalogue import get_command
from wslnet_lab.host.engine.cdxml_call import Place
from wslnet_lab.host.engine.pipeline import PipelineEngine
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.windows_commands import WindowsCommands

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Engine
    from wslnet_lab.host.engine.registry import Registry

_FIRST_WINDOWS_11 = 22000
_FIRST_HYPERV_FIREWALL = 22621
_FIRST_LATER = 22631


@dataclass(frozen=True)
class EngineSettings:
    """Settings of an engine.

    Attributes:
        reading: Which machine's commands exist (`signatures.load_oracle`).
        computer_name: A CimSession to this name, or to the local ones, answers.
    """

    reading: str = "win11"
    computer_name: str = "WINHOST"


def reading_of(build: int) -> str:
    """The reading that stands for a Windows build.

    `win2016` before Windows 11, `win11-21h2` before the Hyper-V firewall (windows-facts 2), `win11-early` for
    22H2: which parameters its builds lacked is not known, so it has what the documents know
    (windows-facts 12).
    """
    if build < _FIRST_WINDOWS_11:
        return "win2016"
    if build < _FIRST_HYPERV_FIREWALL:
        return "win11-21h2"
    return "win11-early" if build < _FIRST_LATER else "win11"


def build_engine(registry: Registry, settings: EngineSettings | None = None) -> Engine:
    """The engine over `registry`; commands of the pipeline itself are added where it has none.

    Raises:
        ValueError: A registered name is no command of the oracle, or the reading is unknown.
    """
    return PipelineEngine(build_commands(registry, settings))


def build_commands(registry: Registry, settings: EngineSettings | None = None) -> WindowsCommands:
    """The table of commands that `build_engine` runs; restricted sessions stand on the same one.

    Raises:
        ValueError: As `build_engine`.
    """
    settings = settings or EngineSettings()
    every = load_oracle("all")
    for name in registry.names():
        if every.command(name) is None:
            raise ValueError(f"{name} is registered but is no command of the oracle")
    oracle = load_oracle(settings.reading)
    for name, body in ({**objects.BODIES, "Get-Command": get_command(oracle)}).items():
        if registry.body(name) is None:
            registry.add(name, body)
    namespaces = {name: str(entry["namespace"]) for name, entry in oracle.cim_classes.items()}
    return WindowsCommands(oracle, registry, Place(settings.computer_name, namespaces))
