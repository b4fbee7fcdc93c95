"""Authentication over SSH: a key file, else a password from where the inventory says. Never an agent.

Secrets are asked for only when the server wants one, at most once, and never logged or put in a message.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from wslnet.errors import AuthenticationFailed, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import paramiko


def load_key(file: Path, secret: Callable[[], str | None]) -> paramiko.PKey:
    """Read a private key (Ed25519, ECDSA or RSA); `secret` is asked if it has a passphrase.

    Raises:
        InputError: the file cannot be read, is no key, or the passphrase does not fit.
    """
    import paramiko  # noqa: PLC0415 - `wslnet --help` must not load it

    try:
        text = file.expanduser().read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file}: the key cannot be read: {getattr(error, 'strerror', 'no text')}"
        ) from error
    try:
        return _parse(text, None)
    except paramiko.PasswordRequiredException:
        passphrase = secret()
    except (paramiko.SSHException, ValueError) as error:
        raise InputError(f"{file}: not a private key that can be used") from error
    if passphrase is None:
        raise InputError(f"{file}: the key has a passphrase and no `secret` says it")
    try:
        return _parse(text, passphrase)
    except (paramiko.SSHException, ValueError) as error:
        raise InputError(f"{file}: its passphrase is not what `secret` says") from error


def public_key(file: Path, secret: Callable[[], str | None]) -> str:
    """The public half of a private key, as `TYPE BASE64`.

    Raises:
        InputError: as `load_key`.
    """
    key = load_key(file, secret)
    return f"{key.get_name()} {key.get_base64()}"


def _parse(text: str, passphrase: str | None) -> paramiko.PKey:
    """Read a key of any kind; PKey.from_path cannot: it hands the passphrase on as the wrong type."""
    import paramiko  # noqa: PLC0415 - as above

    problem: Exception | None = None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError) as error:
            problem = error
    raise paramiko.SSHException("no key of a known kind") from problem


def authenticate(
    transport: paramiko.Transport,
    machine: str,
    user: str,
    key: Path | None,
    secret: Callable[[], str | None],
) -> None:
    """Log in.

    Raises:
        AuthenticationFailed: the server wants neither or refuses both.
        InputError: the key cannot be used.
        paramiko.SSHException, EOFError: the connection broke.
    """
    import paramiko  # noqa: PLC0415 - as above

    tried = []
    if key is not None:
        tried.append(f"the key {key}")
        try:
            if not transport.auth_publickey(user, load_key(key, secret)):
                return
        except paramiko.AuthenticationException:
            if not transport.is_active():
                raise
    password = secret()
    if password is not None:
        tried.append("the password")
        try:
            if not transport.auth_password(user, password):
                return
        except paramiko.AuthenticationException:
            if not transport.is_active():
                raise
    offered = " and ".join(tried) or "neither key nor password (set `key` or `secret`)"
    raise AuthenticationFailed(f"{machine}: sshd refuses {user} with {offered}", machine=machine)
