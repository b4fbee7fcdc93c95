"""`wslnet boot`: install, remove and show the two scheduled tasks; `run` is what they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wslnet.cli.carry_out import carry_out_unguarded
from wslnet.cli.options import inventory_option, json_option, load, unguarded
from wslnet.cli.output import print_json, print_line, progress

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.app.boot_status import BootStatus
    from wslnet.cli.options import UnguardedRun
    from wslnet_win_agent.boot.guard_files import JsonDict, Report

_PRICE = (
    "before logon: WSL then starts in session 0, where .exe interop and WSLg do not work for the user, and "
    "the task has no network password"
)


@click.group()
def boot() -> None:
    """What puts the network back after a start of Windows, WSL or a VM, with no command given."""


@boot.command()
@click.option(
    "--before-logon", is_flag=True, help="Start WSL at boot, before anybody logs on (interop breaks)."
)
@click.option(
    "--backend",
    type=click.Choice(["task", "gpo"]),
    default="task",
    show_default=True,
    help="What starts Windows' half at boot: its task's own trigger, or a Group Policy start-up script.",
)
@unguarded
def install(
    ctx: click.Context,
    before_logon: bool,  # noqa: FBT001
    backend: str,
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Register Windows' two tasks, and what every Linux machine starts to put its own part back."""
    from wslnet.app.boot import prepare_install  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    say = progress(quiet=run["as_json"])
    with Connections(load(ctx, own_inventory)) as fleet:
        by_policy = backend == "gpo"
        prepared = prepare_install(fleet, say, before_logon=before_logon, by_policy=by_policy)
        if before_logon and not run["as_json"]:
            print_line(_PRICE)
        return carry_out_unguarded(prepared, verb="boot install", **run)


@boot.command()
@unguarded
def remove(
    ctx: click.Context,
    own_inventory: Path | None,
    **run: Unpack[UnguardedRun],
) -> int:
    """Remove the tasks and their data, and what the Linux machines start; ends what runs of it."""
    from wslnet.app.boot import prepare_remove  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        return carry_out_unguarded(prepare_remove(fleet), verb="boot remove", **run)


@boot.command()
@inventory_option
@json_option
@click.pass_context
def status(ctx: click.Context, own_inventory: Path | None, as_json: bool) -> int:  # noqa: FBT001
    """What is installed, its last result, what starts it next, and what it would put back."""
    from wslnet.app.boot_status import boot_status  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    with Connections(load(ctx, own_inventory)) as fleet:
        found = boot_status(fleet)
    if as_json:
        print_json(found.to_json())
    else:
        _print_status(found)
    return 0


@boot.command()
@click.option("--half", type=click.Choice(["network", "wsl"]), required=True, help="SYSTEM's or the owner's.")
def run(half: str) -> int:
    """What the tasks call, on Windows itself: guard a run that asks, put back what is missing, hold WSL."""
    from wslnet.app.boot_network import keep_network, own_inventory  # noqa: PLC0415 - kept out of --help
    from wslnet.app.boot_run import load_data, windows_of  # noqa: PLC0415
    from wslnet.app.boot_take_back import take_back  # noqa: PLC0415
    from wslnet.app.boot_watch import Watch  # noqa: PLC0415
    from wslnet.app.boot_wsl import keep_wsl  # noqa: PLC0415
    from wslnet.transport.connections import Connections  # noqa: PLC0415

    data, say = load_data(), progress(quiet=False)
    if half == "network":
        with Connections(own_inventory(data)) as fleet:
            keep_network(data, fleet, say)
    else:

        def undo(report: Report) -> tuple[JsonDict, ...]:
            with Connections(data.inventory) as own:
                return take_back(own, windows_of(data).name, report, say)

        with Watch(undo, say) as watch:
            keep_wsl(load_data, Connections, say, watch)
    return 0


@boot.command(hidden=True)
def call() -> int:
    """What the owner's task of `endpoint install` runs, on Windows itself: WSL's program, when asked for."""
    from wslnet.app.boot_call import serve_calls  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet.app.boot_watch import owner_folder  # noqa: PLC0415
    from wslnet.transport.local_native import LocalNative  # noqa: PLC0415
    from wslnet.transport.own_endpoint import probe_own  # noqa: PLC0415

    serve_calls(owner_folder(), lambda: LocalNative("windows"), probe_own)
    return 0


@boot.command(hidden=True)
@click.option("--listen", "listens", multiple=True, required=True, metavar="ADDRESS:PORT")
@click.option("--to", "target", required=True, metavar="ADDRESS:PORT")
def relay(listens: tuple[str, ...], target: str) -> int:
    """What the task of a published UDP port runs, on Windows itself: carries datagrams until it is ended."""
    from wslnet.model.forward import place_of  # noqa: PLC0415 - kept out of `wslnet --help`
    from wslnet_win_agent.relay.udp import UdpRelay  # noqa: PLC0415

    places = tuple(place_of("--listen", one) for one in listens)
    UdpRelay(places, place_of("--to", target)).serve(lambda: False)
    return 0


def _print_status(found: BootStatus) -> None:
    if not (any(one.installed for one in found.tasks) or any(one.installed for one in found.machines)):
        print_line("Nothing is installed: after a start of Windows the network is not put back.")
        print_line("`wslnet boot install` does it.")
        return
    for task in found.tasks:
        if not task.installed:
            print_line(f"{task.name:8} not installed")
            continue
        when = f" (last run {task.last_run})" if task.last_run else ""
        print_line(f"{task.name:8} {task.state}; {task.last_words}{when}")
        print_line(f"         starts {'; '.join(task.next) or 'never as it is'}")
    for one in found.machines:
        if not one.installed:
            print_line(f"{one.name:8} {one.unseen or 'wslnet-agent not installed'}")
            continue
        running = "running" if one.running else "not running"
        print_line(f"{one.name:8} wslnet-agent {running}; called by {', '.join(one.called_by) or 'nothing'}")
        for kept in one.keeps:
            print_line(f"         keeps {kept}")
    for words in found.puts_back:
        print_line(f"puts back: {words}")
    for problem in found.problems:
        print_line(f"problem: {problem}")
