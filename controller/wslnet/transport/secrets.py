"""Passwords from where the inventory says they are; never stored, never printed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.model.machine import Machine

COMMAND_TIMEOUT_S = 30.0


def password_of(machine: Machine) -> str | None:
    """The password of a machine, None when the inventory names no source.

    Raises:
        InputError: the source does not give one; the message names machine and source, never the value.
    """
    secret = machine.secret
    if secret is None:
        return None
    where = f"machines.{machine.name}.secret"
    if secret.env is not None:
        value = os.environ.get(secret.env)
        if value is None:
            raise InputError(f"{where}: the environment has no {secret.env}", machine=machine.name)
        return value
    if secret.keyring is not None:
        return _from_keyring(where, machine, secret.keyring)
    return _from_command(where, machine, secret.command)


def _from_keyring(where: str, machine: Machine, service: str) -> str:
    try:
        import keyring  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise InputError(
            f"{where}: the keyring extra is not installed: pip install wslnet[keyring]"
        ) from error
    value: str | None = keyring.get_password(service, machine.user or "")
    if value is None:
        raise InputError(
            f"{where}: keyring {service!r} has no entry for {machine.user}", machine=machine.name
        )
    return value


def _from_command(where: str, machine: Machine, command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=COMMAND_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            f"{where}: {command[0]} did not give a password: {error}", machine=machine.name
        ) from error
    return done.stdout.decode("utf-8").rstrip("\r\n")
