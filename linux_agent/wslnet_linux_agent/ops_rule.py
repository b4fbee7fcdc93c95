"""Verbs `rule.insert` and `rule.delete`: single rules of iptables, by their exact arguments.

Never a flush, a restore or a number to delete: foreign rules and WSL's own chains live in the same tables
(wsl-guest-facts 5).
"""

import os

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_PROGRAMS = {4: "iptables", 6: "ip6tables"}
_BACKENDS = ("iptables-nft", "iptables-legacy", "iptables")
# What may not stand in a rule's arguments: options that make it another command, table or chain.
_COMMANDS = {
    "-A", "-C", "-D", "-E", "-F", "-I", "-L", "-N", "-P", "-R", "-S", "-X", "-Z", "-t", "-M",
    "--append", "--check", "--delete", "--rename-chain", "--flush", "--insert", "--list", "--new-chain",
    "--policy", "--replace", "--list-rules", "--delete-chain", "--zero", "--table", "--modprobe",
}  # fmt: skip
_PARAMETER_PROBLEM = 2
# Seconds to wait for the lock that all users of the tables share.
_LOCK_WAIT = "5"


def insert(args: "Args") -> "dict[str, Any]":
    """Insert a rule at a position, counted from 1.

    Raises:
        OpError: the tool refused; `not-found` if chain, match or target does not exist; `exists` if the chain
            has more than `equal` such rules: somebody has put it back.
    """
    position = args.number("position")
    if position < 1:
        raise OpError("bad-op", "positions count from 1")
    if args.has("equal"):
        _refuse_again(args)
    _run(args, "-I", [str(position)])
    return {}


def delete(args: "Args") -> "dict[str, Any]":
    """Delete the first rule that equals the arguments.

    Raises:
        OpError: `not-found` if there is none.
    """
    _run(args, "-D", [])
    return {}


def is_there(args: "Args") -> "bool":
    """Say whether such a rule is in the chain.

    Raises:
        OpError: the tool refused, or there is no such chain.
    """
    try:
        _run(args, "-C", [])
    except OpError as error:
        if error.code == "not-found":
            return False
        raise
    return True


def _refuse_again(args: "Args") -> "None":
    import shlex  # noqa: PLC0415 - only what puts a rule back needs it

    chain = args.text("chain")
    text = shell.run([tool(args), "-w", _LOCK_WAIT, "-t", args.text("table"), "-S", chain]).text()
    wanted = ["-A", chain, *args.texts("spec")]
    if [shlex.split(line) for line in text.splitlines()].count(wanted) > args.number("equal"):
        raise OpError("exists", "the rule is there again")


def tool(args: "Args") -> "str":
    """Give the program that an op means."""
    program = args.choice("backend", _BACKENDS)  # type: str
    return program.replace("iptables", _PROGRAMS[args.choice("family", (4, 6))])


def _run(args: "Args", command: "str", position: "list[str]") -> "None":
    program = tool(args)
    spec = args.texts("spec")
    if not spec or _COMMANDS.intersection(spec):
        raise OpError("bad-op", "these are no arguments of one rule: %s" % " ".join(spec))
    argv = [
        program,
        "-w",
        _LOCK_WAIT,
        "-t",
        args.text("table"),
        command,
        args.text("chain"),
        *position,
        *spec,
    ]
    outcome = shell.run(argv)
    if outcome.code == 0:
        return
    reason = outcome.reason()
    if outcome.problem is not None:
        code = outcome.problem
    elif os.geteuid() != 0:
        code = "not-permitted"
    elif outcome.code == _PARAMETER_PROBLEM:
        code = "bad-op"
    elif "does a matching rule exist" in reason or "No chain/target/match" in reason:
        code = "not-found"
    else:
        code = "failed"
    raise OpError(code, "%s: %s" % (program, reason))
