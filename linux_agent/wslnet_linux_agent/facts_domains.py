"""Fact `domains`: the virtual machines that libvirt knows."""

from wslnet_linux_agent import shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNNING, SHUT_OFF = "running", "shut off"
_LIST = ["virsh", "list", "--name"]


def commands() -> "list[tuple[str, list[str]]]":
    """What to run: names only, nothing that a locale could change."""
    if not shell.find("virsh"):
        return []
    return [("all", [*_LIST, "--all"]), ("running", [*_LIST, "--state-running"])]


def value(
    outcomes: "dict[str, shell.Outcome]",
    errors: "dict[str, dict[str, str]]",  # noqa: ARG001 - the shape of every reader by tools
) -> "list[dict[str, Any]] | None":
    """The fact; None without virsh."""
    if not outcomes:
        return None
    running = names(outcomes["running"])
    return [
        {"name": name, "state": RUNNING if name in running else SHUT_OFF} for name in names(outcomes["all"])
    ]


def names(outcome: "shell.Outcome") -> "list[str]":
    """The names that `virsh list --name` printed."""
    return [line.strip() for line in outcome.text().split("\n") if line.strip()]
