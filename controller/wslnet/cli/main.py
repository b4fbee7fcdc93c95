"""The root command and what all verbs share: lazy loading, error lines, exit codes.

`wslnet --help` must load no third party beside click (linux-facts C), so a verb's module is imported when
the verb is used and its one-line help stands here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from wslnet import __version__
from wslnet.cli.output import print_complaint, print_error
from wslnet.errors import Interrupted, WslnetError

VERBS: dict[str, tuple[str, str]] = {
    "init": ("wslnet.cli.init:init", "Find Windows, distros and VMs by itself and write the inventory."),
    "setup": ("wslnet.cli.setup:setup", "Set up a networking mode as one workflow, proven by packets."),
    "plan": ("wslnet.cli.plan:plan", "Make a plan and change nothing."),
    "apply": ("wslnet.cli.plan:apply", "Run a plan from a file, if what it rests on is still there."),
    "confirm": ("wslnet.cli.confirm:confirm", "Let the run that waits for a confirmation stand."),
    "doctor": ("wslnet.cli.doctor:doctor", "Every check over every machine: evidence, cause, fix."),
    "status": ("wslnet.cli.status:status", "Machines, mode as measured, adapters, routes, bridges, VMs."),
    "restart": ("wslnet.cli.restart:restart", "Restart WSL: VMs down and up again, the mode measured."),
    "matrix": ("wslnet.cli.matrix:matrix", "Who reaches whom, measured, in both directions."),
    "probe": ("wslnet.cli.probe:probe", "One machine asks another, with a test server of our own."),
    "ports": ("wslnet.cli.ports:ports", "Who listens on Windows and in WSL, side by side."),
    "topo": ("wslnet.cli.topo:topo", "The live topology as text, Mermaid or JSON."),
    "undo": ("wslnet.cli.undo:undo", "Take back the newest committed run, or the one named."),
    "resume": ("wslnet.cli.undo:resume", "Bring an interrupted run to an end."),
    "history": ("wslnet.cli.undo:history", "The runs of this inventory and how each ended."),
    "vm": ("wslnet.cli.vm:vm", "Nested VMs: list, enroll, forget, reach, pin."),
    "rules": ("wslnet.cli.rules:rules", "Filter and NAT rules of any Linux machine, decoded."),
    "net": ("wslnet.cli.net:net", "Bridges and taps on any Linux machine, QEMU arguments, guests."),
    "forward": ("wslnet.cli.forward:forward", "Publish ports of WSL and nested VMs to Windows and the LAN."),
    "firewall": ("wslnet.cli.firewall:firewall", "Ports let into WSL, for the LAN, for a time; the audit."),
    "docker": ("wslnet.cli.docker:docker", "Containers under mirrored mode, by engine version."),
    "forwarding": ("wslnet.cli.forwarding:forwarding", "Windows' routing between its Hyper-V switches."),
    "config": ("wslnet.cli.config:config", "`.wslconfig` and `wsl.conf`: get, set, unset, lint, diff."),
    "boot": ("wslnet.cli.boot:boot", "Two scheduled tasks that put things back after a start of Windows."),
    "endpoint": ("wslnet.cli.endpoint:endpoint", "A PowerShell endpoint that can do this much and no more."),
    "explain": ("wslnet.cli.explain:explain", "Concepts told with this network's own facts."),
    "lab": ("wslnet_lab.cli:lab", "A Windows host, WSL, a VM and a VM in it, on one Linux machine."),
    "help": ("wslnet.cli.help:help_topics", "Topics: exit-codes."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        module, _, name = VERBS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"`wslnet {cmd_name}` needs the Python module {error.name}") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="wslnet")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    help="The inventory file (default: wslnet.toml in the user's configuration folder).",
)
@click.pass_context
def root(ctx: click.Context, inventory: Path | None) -> None:
    """Windows 11, WSL2 and the VMs inside it as one reachable network, proven with packets."""
    ctx.obj = {"inventory": inventory}
    if ctx.invoked_subcommand is None:
        from wslnet.cli.welcome import welcome  # noqa: PLC0415 - kept out of `wslnet --help`

        welcome(inventory)


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits with the contract's code (`wslnet help exit-codes`)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; errors become one line, or one JSON document."""
    as_json = "--json" in arguments
    try:
        result: Any = root.main(arguments, prog_name="wslnet", standalone_mode=False)
    except WslnetError as error:
        print_error(error, as_json=as_json)
        return error.exit_code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        if as_json:
            wrong = WslnetError(error.format_message())
            wrong.code = "bad-input"
            print_error(wrong, as_json=True)
        else:
            print_complaint(error.format_message())
        return 2
    except (KeyboardInterrupt, click.Abort):
        print_error(Interrupted("interrupted"), as_json=as_json)
        return Interrupted.exit_code
    return result if isinstance(result, int) else 0
