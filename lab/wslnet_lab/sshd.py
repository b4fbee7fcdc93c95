"""The SSH servers of the Linux machines: keys and configuration.

One key pair per lab logs in everywhere; each machine has its own host key, made once and kept over restarts.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from wslnet_lab.errors import LabError
from wslnet_lab.rootfs import USERS

PORT = 22
ARGV = ("/usr/sbin/sshd", "-D", "-e")

_HOST_KEY = Path("etc/ssh/ssh_host_ed25519_key")

# PAM and reverse look-ups cost a login tens of milliseconds and need services that no machine here has.
_CONFIG = f"""\
Port {PORT}
HostKey /{_HOST_KEY}
PidFile none
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
MaxStartups 100
MaxSessions 100
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def make_key(path: Path, comment: str) -> None:
    """Makes an ed25519 key pair without passphrase at `path` and `path`.pub; an existing one stays."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"ssh-keygen: {done.stderr.strip()}")


def host_key(root: Path) -> str:
    """The public host key of a machine whose files lie below `root`, as one line of text."""
    return (root / _HOST_KEY).with_suffix(".pub").read_text()


def install(root: Path, hostname: str, client_key: Path) -> None:
    """Puts configuration, host key and the accepted client key (its private path) into a machine's root."""
    make_key(root / _HOST_KEY, f"root@{hostname}")
    (root / "etc/ssh/sshd_config").write_text(_CONFIG)
    accepted = client_key.with_suffix(".pub").read_text()
    for number, home in USERS.values():
        folder = root / home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        keys = folder / "authorized_keys"
        keys.write_text(accepted)
        keys.chmod(0o600)
        for path in (folder, keys):
            shutil.chown(path, number, number)
