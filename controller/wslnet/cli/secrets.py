"""Options that say where a password comes from, and asking for one where somebody can be asked."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.cli.options import F
    from wslnet.model.machine import Machine, Secret

_OPTIONS = (
    click.option("--secret-env", metavar="NAME", help="Environment variable that holds the password."),
    click.option("--secret-keyring", metavar="NAME", help="Keyring service that holds the password."),
    click.option("--secret-command", metavar="COMMAND", help="Command that prints the password."),
)


def secret_options(verb: F) -> F:
    """The three options; the verb gets `secret_env`, `secret_keyring` and `secret_command`."""
    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb


def secret_of(verb: str, env: str | None, keyring: str | None, command: str | None) -> Secret | None:
    """What the options say, None when none is given.

    Raises:
        InputError: more than one is.
    """
    from wslnet.model.machine import Secret  # noqa: PLC0415 - kept out of `wslnet --help`

    given = [one for one in (env, keyring, command) if one]
    if len(given) > 1:
        raise InputError(f"{verb}: give one of --secret-env, --secret-keyring, --secret-command")
    return Secret(tuple(shlex.split(command or "")), keyring, env) if given else None


def console_password(machine: Machine, *, as_json: bool) -> str | None:
    """The password of a machine for its console: from its `secret`, else asked for; None without a terminal.

    Raises:
        InputError: the source does not give one, or what it gives cannot be typed.
    """
    from wslnet.transport.secrets import password_of  # noqa: PLC0415 - as above

    password = password_of(machine)
    if password is None and not as_json and sys.stdin.isatty():
        password = click.prompt(
            f"Password of {machine.user} on the console of {machine.name}",
            hide_input=True, default="", show_default=False, err=True,
        )  # fmt: skip
    if password is not None and not password.isprintable():
        raise InputError(f"{machine.name}: its password cannot be typed on a console")
    return password or None
