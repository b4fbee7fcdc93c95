"""`wslnet help TOPIC`: what does not fit into a verb's own help."""

from __future__ import annotations

import click

from wslnet.cli.output import print_line

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "it failed",
    2: "wrong usage or input",
    10: "changes pending or drift",
    11: "doctor found a failure",
    12: "rolled back",
    13: "needs elevation (or a sudo password)",
    14: "needs a Windows reboot, then `wslnet resume`",
    15: "unsupported here",
    20: "a machine cannot be reached",
    21: "rollback incomplete (what is left is listed per machine)",
    130: "interrupted",
}


@click.command("help")
@click.argument("topic", type=click.Choice(["exit-codes"]))
def help_topics(topic: str) -> None:
    """Print a topic: exit-codes."""
    if topic == "exit-codes":
        for code, meaning in EXIT_CODES.items():
            print_line(f"{code:>3}  {meaning}")
