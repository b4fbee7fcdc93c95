"""The command line of wsl.exe, taken apart (wsl-facts 2.4). It runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wslnet_lab.host.wsl.failure import WslFailure
from wslnet_lab.host.wsl.messages import Message

_LONG = {
    "-d": "--distribution", "-u": "--user", "-e": "--exec", "-l": "--list", "-v": "--verbose",
    "-q": "--quiet", "-t": "--terminate",
}  # fmt: skip
_FLAGS = {
    "--list": frozenset({"--verbose", "--quiet", "--running", "--all"}),
    "--shutdown": frozenset({"--force"}),
    "--update": frozenset({"--pre-release", "--web-download"}),
}
_RUN_VALUES = frozenset({"--distribution", "--user", "--cd", "--shell-type"})


@dataclass(frozen=True)
class Order:
    """What wsl.exe is asked to do.

    Attributes:
        verb: run, list, shutdown, terminate, status, update or version.
        distro: Named distribution, None for the default one.
        user: Linux user, None for the distribution's own.
        command: Argument vector; empty: a login shell that reads stdin.
        shell: Whether the command goes through the user's shell (no `-e`).
        flags: Of `--list`, `--shutdown` and `--update`.
    """

    verb: str
    distro: str | None = None
    user: str | None = None
    command: tuple[str, ...] = ()
    shell: bool = True
    flags: frozenset[str] = frozenset()


def parse_arguments(arguments: tuple[str, ...]) -> Order:
    """The order in wsl.exe's arguments (without the program name).

    Raises:
        WslFailure: An unknown argument or one without its value.
    """
    words = [_LONG.get(word, word) for word in arguments[:1]] + list(arguments[1:])
    first = words[0] if words else ""
    if first in {"--version", "--verbose"} and len(words) == 1:  # `wsl -v` is --version, `-l -v` verbose
        return Order("version")
    if first == "--status" and len(words) == 1:
        return Order("status")
    if first in _FLAGS:
        return Order(first.removeprefix("--"), flags=_flags(words[1:], _FLAGS[first]))
    if first == "--terminate":
        if len(words) != 2:  # noqa: PLR2004 - the option and its value
            raise _missing(words[-1])
        return Order("terminate", distro=words[1])
    return _parse_run(arguments)


def _parse_run(arguments: tuple[str, ...]) -> Order:
    order = Order("run")
    rest = list(arguments)
    while rest:
        word = _LONG.get(rest[0], rest[0])
        if word == "--exec":
            return replace(order, command=tuple(rest[1:]), shell=False)
        if word == "--":
            return replace(order, command=tuple(rest[1:]))
        if word in _RUN_VALUES:
            if len(rest) == 1:
                raise _missing(rest[0])
            if word == "--distribution":
                order = replace(order, distro=rest[1])
            elif word == "--user":
                order = replace(order, user=rest[1])
            rest = rest[2:]
        elif word == "~":
            rest = rest[1:]
        elif word.startswith("-"):
            raise WslFailure(Message("bad-argument", (rest[0],)))
        else:
            return replace(order, command=tuple(rest))
    return order


def _flags(words: list[str], allowed: frozenset[str]) -> frozenset[str]:
    flags = [_LONG.get(word, word) for word in words]
    for flag, word in zip(flags, words, strict=True):
        if flag not in allowed:
            raise WslFailure(Message("bad-argument", (word,)))
    return frozenset(flags)


def _missing(option: str) -> WslFailure:
    return WslFailure(Message("missing-argument", (option,)))
