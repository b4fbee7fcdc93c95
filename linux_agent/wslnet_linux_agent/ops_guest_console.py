"""A guest entered by its console through libvirt: a login with a password that the user gives.

The session is logged out again; should we die, a watch in the guest ends it. Somebody else's session on the
console is never touched. Not part of the bundle.
"""

import contextlib
import os
import subprocess
import tty

from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_guest_shell import Shell
from wslnet_linux_agent.ops_guest_stream import Ended, Stream

_CONNECT_S = 10.0
_WAKE_S = 6.0
_WAKE_TIMES = 3
_LOGIN_S = 20.0
_BACK_S = 5.0
_LONGEST_S = 120
_COLOURS = rb"(?:\x1b\[[0-9;?]*[a-zA-Z])*"
# What ends in `login:` right after a login is the line "Last login: …".
_LOGIN = rb"^(?!Last )[^\r\n]*login: *\Z"
_PASSWORD = rb"[Pp]ass[a-z]+: *\Z"
_PROMPT = rb"[#$%>]" + _COLOURS + rb" ?" + _COLOURS + rb"\Z"
_ASKS = b"(?P<password>" + _PASSWORD + b")|(?P<prompt>" + _PROMPT + b")"
_ANY = b"(?P<login>" + _LOGIN + b")|" + _ASKS
_LEAVE = b"\x1d"
# No editing of lines, no prompt, no echo; `+i`: dash and busybox would look at stdin and stdout alone.
_PLAIN_SHELL = b" unset HISTFILE; stty -echo; exec /bin/sh +i 2>/dev/null\r"
_WATCH = "(sleep %d; kill -9 $$) >/dev/null 2>&1 & w=$!\n" % _LONGEST_S


def opened(domain: "str", user: "str", password: "str | None") -> "Shell":
    """Log in on the console of a domain and give the shell.

    Raises:
        OpError: there is no console, somebody uses it, or it refuses the login.
    """
    terminal = _connect(domain)
    try:
        _wake(terminal)
        _log_in(terminal, user, password)
        terminal.send(_PLAIN_SHELL)
        terminal.send(_WATCH.encode("ascii"))
        return Shell(terminal, "kill $w; exit")
    except Ended as ended:
        terminal.leave()
        raise OpError("failed", "the console: %s" % ended)
    except OpError:
        terminal.leave()
        raise


class _Terminal(Stream):
    """`virsh console`, which ends when it is told so."""

    def close(self) -> "None":
        # Until the next login stands there, the next one who comes would meet the end of this session.
        with contextlib.suppress(OpError, Ended):
            self.expect(_LOGIN, _BACK_S)
        self.leave()

    def leave(self) -> "None":
        with contextlib.suppress(Ended):
            self.send(_LEAVE)
        Stream.close(self)


def _connect(domain: "str") -> "_Terminal":
    ours, theirs = os.openpty()
    # Nothing is to be echoed before virsh has done the same.
    tty.setraw(theirs)
    try:
        child = subprocess.Popen(
            ["virsh", "console", "--domain", domain, "--safe"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(os.environ, LC_ALL="C", LANGUAGE="C"),
            start_new_session=True,
        )
    except OSError:
        os.close(ours)
        raise OpError("tool-missing", "virsh is not installed")
    finally:
        os.close(theirs)
    terminal = _Terminal(child, ours, ours)
    try:
        terminal.expect(rb"Escape character is [^\n]*\n", _CONNECT_S)
    except Ended as ended:
        Stream.close(terminal)
        raise OpError("failed", "the console: %s" % str(ended).replace("error: ", "", 1))
    except OpError:
        Stream.close(terminal)
        raise OpError("timed-out", "the console does not open")
    return terminal


def _wake(terminal: "_Terminal") -> "None":
    """Press Enter until the login stands there."""
    for _ in range(_WAKE_TIMES):
        terminal.send(b"\r")
        try:
            found = terminal.expect(_ANY, _WAKE_S)
        except OpError:
            continue
        if found.group("login") is not None:
            return
        if found.group("prompt") is not None:
            raise OpError("failed", "somebody is logged in on the console: log out there first")
    raise OpError("failed", "the console shows no login")


def _log_in(terminal: "_Terminal", user: "str", password: "str | None") -> "None":
    terminal.send(user.encode("utf-8") + b"\r")
    # Enter and a fresh getty may each have brought a login: the second one is not the answer to the name.
    found = terminal.expect(_ASKS, _LOGIN_S)
    if found.group("password") is not None:
        if password is None:
            raise OpError("failed", "the console wants a password of %s, and none was given" % user)
        terminal.send(password.encode("utf-8") + b"\r")
        found = terminal.expect(_ANY, _LOGIN_S)
    if found.group("prompt") is None:
        raise OpError("failed", "the console refuses %s" % user)
