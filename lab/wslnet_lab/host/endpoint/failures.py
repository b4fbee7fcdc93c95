"""The two ways in which a constrained session does not open (jea-facts B, H), and what hidden drives say."""

from __future__ import annotations

from wslnet_lab.host.contract import Category, ErrorDetails

_SMA = "System.Management.Automation"


class ConfigurationRefused(Exception):
    """The files themselves cannot be used: the server says so outside the protocol and sends no state."""


class OpenFailed(Exception):
    """The session was being built and broke: the pool is Broken, with this record."""

    def __init__(self, details: ErrorDetails) -> None:
        super().__init__(details.message)
        self.details = details


def provider_not_found(provider: str, tail: str) -> ErrorDetails:
    """A provider that the session hides."""
    return ErrorDetails(
        fqid=f"ProviderNotFound,{tail}" if tail else "ProviderNotFound",
        category=Category.OBJECT_NOT_FOUND,
        message=f"Cannot find a provider with the name '{provider}'.",
        exception_types=(f"{_SMA}.ProviderNotFoundException", f"{_SMA}.SessionStateException"),
        reason="ProviderNotFoundException",
        target_name=provider,
        target_type="String",
        target_object=provider,
    )
