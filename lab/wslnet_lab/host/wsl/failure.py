"""The one error of WSL's own: what to say and the symbolic path that follows it."""

from __future__ import annotations

from wslnet_lab.host.wsl.messages import Message


class WslFailure(Exception):
    """WSL refuses or fails. `code` is the path after `Error code:`; empty: none is printed."""

    def __init__(self, message: Message, code: str = "") -> None:
        super().__init__(f"{message.kind} {message.arguments}")
        self.message = message
        self.code = code


def no_distro() -> WslFailure:
    """No distribution of that name."""
    return WslFailure(Message("no-distro"), "Wsl/Service/WSL_E_DISTRO_NOT_FOUND")
