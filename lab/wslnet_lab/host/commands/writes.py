"""What writes of providers share: refusing those who may not, and the errors of bad values."""

from __future__ import annotations

from wslnet_lab.host.contract import Category
from wslnet_lab.host.engine import Context, ProviderError, mi_error, win32_error

ACCESS_DENIED, INVALID_PARAMETER, NOT_FOUND, OBJECT_EXISTS = 5, 87, 1168, 5010


def require_admin(context: Context) -> None:
    """Raises `Windows System Error 5` unless the session may write (windows-facts 1.3)."""
    if not context.session.identity.admin and not context.session.identity.system:
        raise win32_error(ACCESS_DENIED, "Access is denied. ")


def bad_parameter(text: str) -> ProviderError:
    """`Windows System Error 87`: a value that the provider does not take."""
    return win32_error(INVALID_PARAMETER, text)


def not_supported(text: str) -> ProviderError:
    """What the lab does not model: the CIM status NotSupported, never a pretended success."""
    return mi_error("NotSupported", text)


def already_exists(text: str) -> ProviderError:
    """A key that is taken in a firewall store. The id is inferred: no field report of it was found."""
    return ProviderError("Windows System Error 183", text, category=Category.RESOURCE_EXISTS)
