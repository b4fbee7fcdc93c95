"""`wsl.exe`: argument vectors out, its output in, without a word of any language (wsl-facts 2.4).

Builders and parsers are pure; `WslProgram` runs them with a time limit each. Nothing here starts a stopped
distro by looking: only `start` and `shutdown` change what runs.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from .errors import WindowsAgentError

if TYPE_CHECKING:
    from .native import NativeResult, NativeRunner

DEFAULT_PATH = r"C:\Program Files\WSL\wsl.exe"
LOOK_TIMEOUT_S = 20.0
SHUTDOWN_TIMEOUT_S = 90.0
START_TIMEOUT_S = 90.0
UPDATE_TIMEOUT_S = 900.0
_STATES = frozenset({"Stopped", "Running", "Installing", "Uninstalling", "Converting", "Exporting"})
_WSL_VERSIONS = ("1", "2")
_MODES = frozenset({"nat", "mirrored", "consomme", "virtioproxy", "bridged", "none", "wsl1"})
_VERSION_LINE = re.compile(r".*[\s:\uff1a]([0-9]+(?:\.[0-9A-Za-z-]+)+)\s*")
_HEADING = ["NAME", "STATE", "VERSION"]
_ERROR_CODE = re.compile(r"(?:Wsl/[A-Za-z0-9_/-]+|0x[0-9a-fA-F]{8})")
_OLDEST_LINES = 2


@dataclass(frozen=True, slots=True)
class Distro:
    """A row of `wsl -l -v`; `state` is one of wsl.exe's own words, never localised."""

    name: str
    state: str
    version: int
    default: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """What `wsl --version` says; None for a line that is not there (an inbox WSL knows no --version)."""

    wsl: str | None = None
    kernel: str | None = None
    wslg: str | None = None
    msrdc: str | None = None
    direct3d: str | None = None
    dxcore: str | None = None
    windows: str | None = None


def decode(data: bytes) -> str:
    """Give text from wsl.exe's output: UTF-8 with `WSL_UTF8=1`, else UTF-16LE, told by its NULs."""
    if b"\0" in data:
        return data.removeprefix(b"\xff\xfe").decode("utf-16-le", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def parse_versions(text: str) -> Versions:
    """Read `wsl --version` by the order of its lines, since the labels are localised.

    Each line must end in a version: any other text, `wsl --status` for one, tells nothing, and neither does
    one whose last line was cut. Of more lines than are known only the first two can be told apart (wsl-facts
    2.4).
    """
    if not text.endswith("\n"):
        return Versions()
    lines = [_VERSION_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
    found = [match[1] for match in lines if match is not None]
    if len(found) < max(_OLDEST_LINES, len(lines)):
        return Versions()
    return Versions(*(found if len(found) <= len(fields(Versions)) else found[:_OLDEST_LINES]))


def parse_distros(text: str) -> tuple[Distro, ...]:
    """Read `wsl -l -v`: whole rows below its heading that end in a known state and a version.

    The heading and the states are literals in every language (wsl-facts 2.4); without it nothing is a row.
    """
    lines = text.splitlines()
    heading = next((at for at, line in enumerate(lines) if line.split() == _HEADING), len(lines))
    return tuple(row for row in map(_distro, lines[heading + 1 :]) if row is not None)


def _distro(line: str) -> Distro | None:
    words = line.split()
    default = bool(words) and words[0] == "*"
    words = words[default:]
    if (
        len(words) < len(("name", "state", "version"))
        or words[-2] not in _STATES
        or words[-1] not in _WSL_VERSIONS
    ):
        return None
    return Distro(" ".join(words[:-2]), words[-2], int(words[-1]), default)


def parse_mode(text: str) -> str | None:
    """Read `wslinfo --networking-mode -n`: one of its words (wsl-facts 2.2); None for any other text."""
    mode = text.strip().lower()
    return mode if mode in _MODES else None


def parse_addresses(text: str) -> tuple[str, ...]:
    """Read `hostname -I`: one whole line of addresses; none from any other text."""
    words = text.split() if text.endswith("\n") else []
    try:
        return tuple(str(ipaddress.ip_address(word)) for word in words)
    except ValueError:
        return ()


def chosen_distro(distros: tuple[Distro, ...]) -> Distro | None:
    """Give the distro through which WSL is looked into: running, the default first, never Docker's own."""
    running = [each for each in distros if each.state == "Running" and not _is_docker(each.name)]
    return min(running, key=lambda each: not each.default, default=None)


def _is_docker(name: str) -> bool:
    return name.casefold().startswith("docker-desktop")


@dataclass(frozen=True, slots=True)
class WslProgram:
    """`wsl.exe` at one path, run through one native runner."""

    native: NativeRunner
    path: str = DEFAULT_PATH

    def versions(self) -> Versions:
        """Ask for the versions; none known from a wsl.exe that does not know the question."""
        result = self._run("--version", timeout_s=LOOK_TIMEOUT_S)
        return parse_versions(decode(result.stdout)) if result.exit_code == 0 else Versions()

    def distros(self) -> tuple[Distro, ...]:
        """List the distros; with none installed the list is empty (and the exit code -1)."""
        return parse_distros(decode(self._run("-l", "-v", timeout_s=LOOK_TIMEOUT_S).stdout))

    def networking_mode(self, distro: str) -> str | None:
        """Ask `wslinfo` for the mode in force; `distro` must run. None: this WSL does not tell."""
        result = self._inside(distro, "wslinfo", "--networking-mode", "-n")
        return parse_mode(decode(result.stdout)) if result.exit_code == 0 else None

    def addresses(self, distro: str) -> tuple[str, ...]:
        """Ask for all addresses of the one network namespace of WSL; `distro` must run."""
        result = self._inside(distro, "hostname", "-I")
        return parse_addresses(decode(result.stdout)) if result.exit_code == 0 else ()

    def start(self, distro: str) -> tuple[str, ...]:
        """Start a distro, and with it WSL; gives the lines of its warnings, in Windows' language.

        Falling back to another networking mode is a warning and no error (wsl-facts 2.1).

        Raises:
            WindowsAgentError: `failed` with wsl.exe's own error code, or `timed-out`.
        """
        argv = ("-d", distro, "-u", "root", "-e", "true")
        result = self._run(*argv, timeout_s=START_TIMEOUT_S, changes=True)
        self._demand(result, f"wsl -d {distro}")
        return tuple(line.strip() for line in decode(result.stderr).splitlines() if line.strip())

    def hold(self, distro: str, seconds: int) -> None:
        """Keep a distro up for so long, or until the runner is closed.

        Without a client of wsl.exe a distro is stopped after 15 s, sshd or not (wsl-facts 2.4).
        """
        self.native.hold((self.path, "-d", distro, "-u", "root", "-e", "sleep", str(seconds)))

    def keep(self, distro: str, seconds: int) -> None:
        """As `hold`, but wait for the end, in time or not."""
        argv = ("-d", distro, "-u", "root", "-e", "sleep", str(seconds))
        self._run(*argv, timeout_s=seconds + START_TIMEOUT_S)

    def shutdown(self) -> None:
        """Stop all distros of this user and the VM; returns when wsl.exe does.

        Raises:
            WindowsAgentError: `failed` or `timed-out`.
        """
        result = self._run("--shutdown", timeout_s=SHUTDOWN_TIMEOUT_S, changes=True)
        self._demand(result, "wsl --shutdown")

    def update(self, *, pre: bool) -> None:
        """Install the newest WSL, or with `pre` the newest pre-release; it stops WSL for that.

        Raises:
            WindowsAgentError: `failed` (no network, no administrator) or `timed-out`.
        """
        further = ("--pre-release",) if pre else ()
        result = self._run("--update", *further, timeout_s=UPDATE_TIMEOUT_S, changes=True)
        self._demand(result, "wsl --update")

    def _inside(self, distro: str, *argv: str) -> NativeResult:
        return self._run("-d", distro, "-u", "root", "-e", *argv, timeout_s=LOOK_TIMEOUT_S)

    def _run(self, *argv: str, timeout_s: float, changes: bool = False) -> NativeResult:
        return self.native.run((self.path, *argv), timeout_s=timeout_s, changes=changes)

    def _demand(self, result: NativeResult, what: str) -> None:
        if result.exit_code == 0:
            return
        # wsl.exe writes its errors to stdout (wsl-facts 2.4); only the code in them is the same everywhere.
        said = decode(result.stdout) + "\n" + decode(result.stderr)
        codes = _ERROR_CODE.findall(said)
        line = next((each.strip() for each in said.splitlines() if each.strip()), f"exit {result.exit_code}")
        raise WindowsAgentError("failed", f"{what}: {codes[-1] if codes else line}")
