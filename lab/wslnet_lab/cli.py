"""The command group `wslnet lab`: raise a lab, look at it, act in it, break it, take it away.

Parsing and printing only. What is heavy (netlink, the Windows host) or only there on Linux is imported by the
commands that need it: `lab exec` and `lab status` are called often.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from wslnet_lab import calls, inside, state
from wslnet_lab.errors import LabError, NeedsRoot, NotRunning, Unsupported, UsageError
from wslnet_lab.init import PATH
from wslnet_lab.paths import DEFAULT_NAME, LOGON_VARIABLE, LOGONS, LabPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION = 1
_REBOOT_TIMEOUT_S = 120.0
_ASK_TIMEOUT_S = 30.0

_NAME = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Which lab.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def lab() -> None:
    """A Windows host, WSL, a VM and a VM in it, on this Linux machine (needs root)."""


@lab.command()
@_NAME
@_JSON
@click.option("--topology", default="seed", show_default=True, help="What it is made of.")
def up(name: str, topology: str, *, as_json: bool) -> None:
    """Raises a lab and returns when all its machines answer."""
    with _told(as_json=as_json):
        _need_root()
        from wslnet_lab import launch

        raised = launch.up_all(LabPaths.of(name), topology)
        report = {**raised[0].report(), "beside": [one.report() for one in raised[1:]]}
        _print(report, "\n".join(one.inventory for one in raised), as_json=as_json)


@lab.command()
@_NAME
@_JSON
def down(name: str, *, as_json: bool) -> None:
    """Takes a lab away with everything in it."""
    with _told(as_json=as_json):
        _need_root()
        from wslnet_lab import cleanup

        removed = cleanup.remove_all(LabPaths.of(name))
        text = f"lab {name} is down" if removed else f"there was no lab {name}"
        _print({"schema_version": SCHEMA_VERSION, "name": name, "removed": removed}, text, as_json=as_json)


@lab.command()
@_NAME
@_JSON
def status(name: str, *, as_json: bool) -> None:
    """Shows the machines of a lab."""
    with _told(as_json=as_json):
        _need_root()
        report = _state(name).report()
        lines = [
            f"lab {report['name']} ({report['topology']}), daemon {report['daemon']}, {report['inventory']}"
        ]
        lines += [
            f"{machine}  {each['state']}  {each['address'] or '-'}  {each['netns']}  {each['root']}"
            for machine, each in report["machines"].items()
        ]
        _print(report, "\n".join(lines), as_json=as_json)


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@_NAME
@click.option("--user", default="root", show_default=True, help="As which of its users.")
@click.argument("machine")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, user: str, machine: str, command: tuple[str, ...]) -> None:
    """Runs COMMAND in a machine and ends with its exit code."""
    with _told(as_json=False):
        _need_root()
        found = _machine(_state(name), machine)
        if found.init is None or not found.init.alive():
            raise NotRunning(f"{machine} is off")
        root = Path("/") if machine == "windows" else Path(found.root)
        account = inside.find_account(root, user)
        extra = {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}
        if machine == "windows":
            extra["PATH"] = f"{LabPaths.of(name).windows_programs}:{PATH}"
            extra[LOGON_VARIABLE] = str(LabPaths.of(name).folder / LOGONS)
        ports = LabPaths.of(name).ports if machine == "wsl" else None
        argv = inside.command(found.init, list(command), account, extra, ports=ports)
        sys.stdout.flush()
        os.execvp(argv[0], argv)  # noqa: S606 - its exit code is to be ours


@lab.command("log")
@_NAME
@_JSON
def show_log(name: str, *, as_json: bool) -> None:
    """Prints what Windows was asked to do, oldest first."""
    with _told(as_json=as_json):
        _need_root()
        paths = LabPaths.of(name)
        _state(name)
        entries = calls.read(paths)
        text = "\n".join(calls.line(entry) for entry in entries)
        _print({"schema_version": SCHEMA_VERSION, "calls": entries}, text, as_json=as_json)


@lab.command()
@_NAME
@_JSON
@click.option("--fast-startup", is_flag=True, help="Windows: shut down and power on with Fast Startup.")
@click.argument("machine")
def reboot(name: str, machine: str, *, fast_startup: bool, as_json: bool) -> None:
    """Reboots windows, wsl or a VM; what ran inside stays off."""
    with _told(as_json=as_json):
        _need_root()
        if fast_startup and machine != "windows":
            raise UsageError("--fast-startup is for windows only")
        _machine(_state(name), machine)
        report = _ask(name, "reboot", _REBOOT_TIMEOUT_S, machine=machine, fast_startup=fast_startup)
        _print(report, f"{machine} has rebooted", as_json=as_json)


@lab.command("break")
@_NAME
@_JSON
@click.option("--clear", is_flag=True, help="Takes all faults away first.")
@click.argument("fault", nargs=-1)
def inject(name: str, fault: tuple[str, ...], *, clear: bool, as_json: bool) -> None:
    """Puts faults into a lab: winrm-401, wslconfig-locked, sshd-refused:MACHINE, vm-off:MACHINE."""
    with _told(as_json=as_json):
        _need_root()
        from wslnet_lab import faults

        paths = LabPaths.of(name)
        _state(name)
        kept = () if clear else faults.read(paths)
        names = _ask(name, "break", _ASK_TIMEOUT_S, names=list(dict.fromkeys([*kept, *fault])))
        report = {"schema_version": SCHEMA_VERSION, "name": name, "faults": names}
        _print(report, "\n".join(names) or "no fault", as_json=as_json)


def _need_root() -> None:
    if sys.platform != "linux":
        raise Unsupported("the lab is made of Linux' namespaces; here is no Linux")
    if os.geteuid() != 0:
        raise NeedsRoot("the lab needs root: it is made of network namespaces and mounts")


def _state(name: str) -> state.LabState:
    return state.read(LabPaths.of(name))


def _machine(lab_state: state.LabState, machine: str) -> state.MachineState:
    if machine not in lab_state.machines:
        raise UsageError(f"no machine {machine!r}; there is {', '.join(lab_state.machines)}")
    return lab_state.machines[machine]


def _ask(name: str, method: str, timeout_s: float, **params: object) -> Any:  # noqa: ANN401 - JSON
    from wslnet_lab import control

    return control.call(LabPaths.of(name).control, method, params, timeout_s=timeout_s)


def _print(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    elif text:
        click.echo(text)


@contextmanager
def _told(*, as_json: bool) -> Iterator[None]:
    """Turns an error of the lab into its one line (or document) and exit code."""
    try:
        yield
    except LabError as error:
        _fail(error, as_json=as_json)
    except OSError as error:
        # What the kernel refuses even root, in a container for example.
        _fail(LabError(str(error)), as_json=as_json)


def _fail(error: LabError, *, as_json: bool) -> NoReturn:
    if as_json:
        failure = {"code": error.code, "message": str(error), "machine": None, "hint": None}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "error": failure}))
    else:
        click.echo(f"wslnet lab: {error}", err=True)
    raise SystemExit(error.exit_code)
