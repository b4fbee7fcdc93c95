"""The packet rules that libvirt sets for a NAT network, in three generations, as text for the loaders.

Sources: note 000 for the rules straight in FORWARD, linux-facts B2 for the LIBVIRT_* chains, libvirt's
network_nftables.c for its own table. Each is loaded beside what is there; nothing is flushed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from .netns import FabricError

if TYPE_CHECKING:
    from .netns import Namespace

Generation = Literal["reject-in-forward", "libvirt-chains", "libvirt-nft", "none"]

Iptables = Literal["iptables-nft", "iptables-legacy"]

_MASQUERADE = """\
-A {chain} -s {net} -d 224.0.0.0/24 -j RETURN
-A {chain} -s {net} -d 255.255.255.255/32 -j RETURN
-A {chain} -s {net} ! -d {net} -p tcp -j MASQUERADE --to-ports 1024-65535
-A {chain} -s {net} ! -d {net} -p udp -j MASQUERADE --to-ports 1024-65535
-A {chain} -s {net} ! -d {net} -j MASQUERADE
"""

# The order and the two REJECTs at the end are those of the note's first VM.
_REJECT_IN_FORWARD = """\
*filter
-A INPUT -i {br} -p udp --dport 53 -j ACCEPT
-A INPUT -i {br} -p tcp --dport 53 -j ACCEPT
-A INPUT -i {br} -p udp --dport 67 -j ACCEPT
-A INPUT -i {br} -p tcp --dport 67 -j ACCEPT
-A FORWARD -o {br} -d {net} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i {br} -s {net} -j ACCEPT
-A FORWARD -i {br} -o {br} -j ACCEPT
-A FORWARD -o {br} -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -i {br} -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -o {br} -p udp --dport 68 -j ACCEPT
COMMIT
*nat
{masquerade}COMMIT
*mangle
-A POSTROUTING -o {br} -p udp --dport 68 -j CHECKSUM --checksum-fill
COMMIT
"""

_LIBVIRT_CHAINS = """\
*filter
:LIBVIRT_FWI - [0:0]
:LIBVIRT_FWO - [0:0]
:LIBVIRT_FWX - [0:0]
:LIBVIRT_INP - [0:0]
:LIBVIRT_OUT - [0:0]
-I INPUT -j LIBVIRT_INP
-I FORWARD -j LIBVIRT_FWO
-I FORWARD -j LIBVIRT_FWI
-I FORWARD -j LIBVIRT_FWX
-I OUTPUT -j LIBVIRT_OUT
-A LIBVIRT_FWI -d {net} -o {br} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A LIBVIRT_FWI -o {br} -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWO -s {net} -i {br} -j ACCEPT
-A LIBVIRT_FWO -i {br} -j REJECT --reject-with icmp-port-unreachable
-A LIBVIRT_FWX -i {br} -o {br} -j ACCEPT
-A LIBVIRT_INP -i {br} -p udp --dport 53 -j ACCEPT
-A LIBVIRT_INP -i {br} -p tcp --dport 53 -j ACCEPT
-A LIBVIRT_INP -i {br} -p udp --dport 67 -j ACCEPT
-A LIBVIRT_INP -i {br} -p tcp --dport 67 -j ACCEPT
-A LIBVIRT_OUT -o {br} -p udp --dport 53 -j ACCEPT
-A LIBVIRT_OUT -o {br} -p tcp --dport 53 -j ACCEPT
-A LIBVIRT_OUT -o {br} -p udp --dport 68 -j ACCEPT
-A LIBVIRT_OUT -o {br} -p tcp --dport 68 -j ACCEPT
COMMIT
*nat
:LIBVIRT_PRT - [0:0]
-I POSTROUTING -j LIBVIRT_PRT
{masquerade}COMMIT
*mangle
:LIBVIRT_PRT - [0:0]
-I POSTROUTING -j LIBVIRT_PRT
-A LIBVIRT_PRT -o {br} -p udp --dport 68 -j CHECKSUM --checksum-fill
COMMIT
"""

_LIBVIRT_NFT = """\
table ip libvirt_network {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        counter jump guest_cross
        counter jump guest_input
        counter jump guest_output
    }}
    chain guest_output {{
        ip saddr {net} iif "{br}" counter accept
        iif "{br}" counter reject
    }}
    chain guest_input {{
        oif "{br}" ip daddr {net} ct state established,related counter accept
        oif "{br}" counter reject
    }}
    chain guest_cross {{
        iif "{br}" oif "{br}" counter accept
    }}
    chain guest_nat {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {net} ip daddr 224.0.0.0/24 counter return
        ip saddr {net} ip daddr 255.255.255.255 counter return
        meta l4proto tcp ip saddr {net} ip daddr != {net} counter masquerade to :1024-65535
        meta l4proto udp ip saddr {net} ip daddr != {net} counter masquerade to :1024-65535
        ip saddr {net} ip daddr != {net} counter masquerade
    }}
}}
"""


def load(
    ns: Namespace,
    generation: Generation,
    bridge: str,
    subnet: str,
    iptables: Iptables = "iptables-nft",
    *,
    again: bool = False,
) -> None:
    """Load the rules for one bridge and its IPv4 subnet, those of iptables with the given program.

    `libvirt-chains` and `libvirt-nft` take one network a machine: their chains are made, not shared. `again`:
    after `unload`, when libvirt finds its own chains and the jumps to them (linux-facts B2).

    Raises:
        FabricError: Unknown generation, or the loader refuses.
    """
    if generation == "none":
        return
    if generation == "libvirt-nft":
        ns.nft(_LIBVIRT_NFT.format(br=bridge, net=subnet))
    elif generation == "libvirt-chains":
        masquerade = _MASQUERADE.format(chain="LIBVIRT_PRT", net=subnet)
        text = _LIBVIRT_CHAINS.format(br=bridge, net=subnet, masquerade=masquerade)
        restore(ns, iptables, _without_chains(text) if again else text)
    elif generation == "reject-in-forward":
        masquerade = _MASQUERADE.format(chain="POSTROUTING", net=subnet)
        text = _REJECT_IN_FORWARD.format(br=bridge, net=subnet, masquerade=masquerade)
        restore(ns, iptables, _at_head(text))
    else:
        raise FabricError(
            f"unknown generation of libvirt rules {generation}: {', '.join(get_args(Generation))}"
        )


def unload(ns: Namespace, generation: Generation, bridge: str, subnet: str, iptables: Iptables) -> None:
    """Take the rules of one bridge out again as libvirt does: each by its words; chains and jumps stay.

    Raises:
        FabricError: One of them is not there.
    """
    if generation == "libvirt-nft":
        ns.nft("delete table ip libvirt_network")
        return
    texts = {"libvirt-chains": _LIBVIRT_CHAINS, "reject-in-forward": _REJECT_IN_FORWARD}
    chain = "LIBVIRT_PRT" if generation == "libvirt-chains" else "POSTROUTING"
    masquerade = _MASQUERADE.format(chain=chain, net=subnet)
    table = ""
    for line in texts.get(generation, "").format(br=bridge, net=subnet, masquerade=masquerade).splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A "):
            ns.run([iptables, "--wait", "5", "-t", table, "-D", *line.split()[1:]])


def _at_head(text: str) -> str:
    """As libvirt puts them: above what stands in FORWARD already, in this order."""
    lines, place = [], 0
    for line in text.splitlines():
        if line.startswith("-A FORWARD "):
            place += 1
            lines.append(line.replace("-A FORWARD ", f"-I FORWARD {place} ", 1))
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _without_chains(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith((":", "-I")))


def restore(ns: Namespace, iptables: Iptables, text: str) -> None:
    """Add what `iptables-save` would print to what is there.

    Raises:
        FabricError: The program refuses it.
    """
    # Without --noflush the whole tables would be replaced, WSL's own chains with them (wsl-guest-facts 5).
    ns.run([f"{iptables}-restore", "--noflush", "--wait", "5"], stdin=text)
