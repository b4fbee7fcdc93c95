"""How a WinRS command line becomes an argument vector.

Windows joins command and arguments by blanks, cmd.exe looks at the line and the program splits it by the
rules of CommandLineToArgvW. No shell is modelled: a line that cmd.exe would act upon is refused.
"""

from __future__ import annotations

_SHELL_MARKS = frozenset("&|<>^%\r\n")


class ShellSyntaxError(ValueError):
    """A line with something that cmd.exe would interpret."""


def split_command_line(line: str) -> tuple[str, ...]:
    r"""The arguments in a line: quotes group, `\"` is a quote, backslashes count only before a quote.

    Raises ShellSyntaxError for marks outside quotes that cmd.exe would act upon (`%` inside them too).
    """
    arguments: list[str] = []
    current: list[str] = []
    started = quoted = False
    at = 0
    while at < len(line):
        mark = line[at]
        if mark == "\\":
            run = len(line) - at - len(line[at:].lstrip("\\"))
            at += run
            if line[at : at + 1] == '"':
                current.append("\\" * (run // 2))
                if run % 2:
                    current.append('"')
                    at += 1
            else:
                current.append("\\" * run)
            started = True
            continue
        if mark == '"':
            quoted, started = not quoted, True
        elif mark in " \t" and not quoted:
            if started:
                arguments.append("".join(current))
            current, started = [], False
        else:
            if mark == "%" or (mark in _SHELL_MARKS and not quoted):
                raise ShellSyntaxError(f"cmd.exe would act upon {mark!r} in: {line}")
            current.append(mark)
            started = True
        at += 1
    if started:
        arguments.append("".join(current))
    return tuple(arguments)
