"""WSL's mirrored mode on the Windows half: the flow steering between the host's cards and the guest's."""

from __future__ import annotations

from .guest.service import Guest
from .model import MirroredHost


class Mirroring:
    """A running mirrored guest.

    Attributes:
        guest: The guest half.
        host: What is mirrored.
    """

    guest: Guest
    host: MirroredHost

    def refresh(self) -> bool:
        """Read the bound ports on both sides and steer anew; True when something changed. Call it often."""
        raise NotImplementedError

    def resend(self, device: str, *, mtu: int | None = None) -> None:
        """Windows re-sends everything of a card, named by its Windows device (wsl-guest-facts 1.6)."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take the Windows half down. Harmless when the guest's namespace is already gone."""
        raise NotImplementedError


def start(windows: str, wsl: str, host: MirroredHost) -> Mirroring:
    """Lay the wires and set both halves; steering starts empty until the first `refresh`."""
    raise NotImplementedError


def clear(windows: str) -> None:
    """Remove every trace of mirrored mode from Windows, whoever left it."""
    raise NotImplementedError
