"""WSL's guest network service: takes the events that Windows sends and sets the guest as the real one does."""

from __future__ import annotations

from .events import Event


class Guest:
    """The service in one guest.

    Attributes:
        namespace: Name of the guest's namespace.
        resolv_conf: Text of /etc/resolv.conf, empty until Windows sends DNS.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.resolv_conf = ""

    def apply(self, *events: Event) -> None:
        """Carry out events in order; FabricError on the first that the real service refuses."""
        raise NotImplementedError
