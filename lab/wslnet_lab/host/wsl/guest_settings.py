"""What the hardware must know of `.wslconfig` to boot the machine: `settings` of `wsl_start`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.wsl.config import WslConfig
    from wslnet_lab.host.wsl.mode import Decision
    from wslnet_lab.host.wsl.nat_range import NatRange

DNS_TUNNEL_ADDRESS = "10.255.255.254"


def guest_settings(
    config: WslConfig, decision: Decision, distro: str, *, nat: NatRange, adapters: bool
) -> dict[str, object]:
    """The settings for a start.

    Args:
        config: The file.
        decision: Mode and firewall.
        distro: The distribution that is started.
        nat: The range of NAT's network, or the hardware's own.
        adapters: Whether a mirrored machine gets the host's adapters (old versions give none without IPv6).
    """
    mode = decision.mode
    mirrored = mode == "Mirrored"
    tunnel = mode in {"Nat", "Mirrored"} and config.flag("wsl2.dnsTunneling", default=True)
    if config.has("experimental.dnsTunnelingIpAddress") and not config.get(
        "experimental.dnsTunnelingIpAddress"
    ):
        tunnel = False  # a bad address switches tunneling off (wsl-facts 1.1)
    return {
        "distro": distro,
        "firewall": decision.firewall,
        "adapters": adapters,
        "host_address_loopback": mirrored and config.flag("experimental.hostAddressLoopback", default=False),
        "ignored_ports": list(_ports(config)) if mirrored else [],
        "dns_tunneling": tunnel,
        "dns_tunneling_address": config.get("experimental.dnsTunnelingIpAddress", DNS_TUNNEL_ADDRESS),
        "localhost_forwarding": not mirrored and config.flag("wsl2.localhostForwarding", default=True),
        "ipv6": mode == "Bridged" and config.flag("wsl2.ipv6", default=False),
        "nested_virtualization": config.flag("wsl2.nestedVirtualization", default=True),
        "default_modules": config.flag("wsl2.loadDefaultKernelModules", default=True),
        "safe_mode": config.flag("wsl2.safeMode", default=False),
        "nat_network": nat.network,
        "nat_gateway": nat.gateway,
    }


def _ports(config: WslConfig) -> tuple[int, ...]:
    ports = config.get("experimental.ignoredPorts", ())
    return ports if isinstance(ports, tuple) else ()
