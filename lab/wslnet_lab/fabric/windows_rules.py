"""The packet rules of the Windows namespace, as nft text: forwarding, address translation, flow steering.

Two tables are made once per boot of Windows. `inet windows` judges what is routed; `netdev fse` holds the
sets and chains of mirrored mode, to which `mirrored` adds a base chain per card. Names only, no packets.
"""

from __future__ import annotations

# Windows routes between two interfaces only where both have forwarding on, while ICS translates WSL's traffic
# without that flag. Linux asks the sysctl of the incoming interface for either, so it is on everywhere here,
# and Windows' flag lives in two sets of interface names that one chain enforces.
WINDOWS = "inet windows"
# Mirrored mode steers whole frames at the card, before Windows' own stack: addresses, hop limits and MAC
# addresses stay as sent, and Windows needs no route, no neighbour and no forwarding for it.
STEERING = "netdev fse"

# The hook before the stack has no connection tracking: `flows4` and `flows6` remember what passed, by
# protocol, remote address, remote port, local port. Marks: 1 = the guest's, 2 = for both, 0 = Windows'.
# A process of the guest may have any port, Windows reserved it; what the guest forwards has only the block
# (wsl-guest-facts 5, mark 0x1). The hop limit tells them apart: a forwarded packet has lost one.
BOOT = """\
table inet windows {
    set forwarding4 { type ifname; }
    set forwarding6 { type ifname; }
    set internal { type ifname; }
    set guests { type ifname; }
    set private { type ipv4_addr; flags interval; }
    chain denied { drop; }
    chain hyperv_in { }
    chain hyperv_out { }
    chain host_in { }
    chain host_out { }
    chain own_domainauthenticated { }
    chain own_private { }
    chain own_public { }
    chain own_in { }
    chain allowed {
        oifname @guests ct state new jump hyperv_in
        iifname @guests ct state new jump hyperv_out
        accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct status snat goto allowed
        iifname @internal ip saddr @private oifname != @internal goto allowed
        meta nfproto ipv4 iifname @forwarding4 oifname @forwarding4 goto allowed
        meta nfproto ipv6 iifname @forwarding6 oifname @forwarding6 goto allowed
    }
    chain input {
        type filter hook input priority filter; policy accept;
        iifname @guests ct state new jump host_in
        ct state new goto own_in
    }
    chain output {
        type filter hook output priority filter; policy accept;
        oifname @guests ct state new jump host_out
    }
    chain translate {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr @private oifname != @internal oifname != "lo" masquerade
    }
}
table netdev fse {
    set host4 { type ipv4_addr; }
    set host6 { type ipv6_addr; }
    set tcp_ports { type inet_service; }
    set udp_ports { type inet_service; }
    set block { type inet_service; flags interval; }
    set flows4 {
        type inet_proto . ipv4_addr . inet_service . inet_service
        flags dynamic,timeout; timeout 3m; size 65536;
    }
    set flows6 {
        type inet_proto . ipv6_addr . inet_service . inet_service
        flags dynamic,timeout; timeout 3m; size 65536;
    }
    set replies4 {
        type icmp_type
        elements = { echo-reply, destination-unreachable, time-exceeded, parameter-problem }
    }
    set replies6 {
        type icmpv6_type
        elements = { echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem }
    }
    chain denied {
        meta pkttype host drop
        meta mark set 0 accept
    }
    chain hyperv_in { }
    chain hyperv_out { }
    chain host_in { }
    chain guests_port {
        tcp dport @tcp_ports meta mark set 1
        tcp dport @block meta mark set 1
        udp dport @udp_ports meta mark set 1
        udp dport @block meta mark set 1
    }
    chain inbound_tcp {
        tcp flags & (syn | ack) == syn jump hyperv_in
        meta mark set 1
    }
    chain inbound_udp {
        jump hyperv_in
        update @flows4 { ip protocol . ip saddr . udp sport . udp dport }
        update @flows6 { ip6 nexthdr . ip6 saddr . udp sport . udp dport }
        meta mark set 1
    }
    chain inbound_group {
        udp dport != @udp_ports return
        jump hyperv_in
        meta mark set 2
    }
    chain inbound {
        arp operation reply meta mark set 2 return
        icmpv6 type nd-neighbor-advert meta mark set 2 return
        meta pkttype { broadcast, multicast } goto inbound_group
        ip daddr != @host4 return
        ip6 daddr != @host6 return
        ip frag-off & 0x1fff != 0 meta mark set 2 return
        icmp type @replies4 meta mark set 2 return
        icmpv6 type @replies6 meta mark set 2 return
        ip protocol . ip saddr . th sport . th dport @flows4 meta mark set 1 return
        ip6 nexthdr . ip6 saddr . th sport . th dport @flows6 meta mark set 1 return
        tcp dport @tcp_ports goto inbound_tcp
        tcp dport @block goto inbound_tcp
        udp dport @udp_ports goto inbound_udp
        udp dport @block goto inbound_udp
    }
    chain remember {
        update @flows4 { ip protocol . ip daddr . th dport . th sport timeout 10m }
        update @flows6 { ip6 nexthdr . ip6 daddr . th dport . th sport timeout 10m }
    }
    chain remember_own {
        ip ttl != 64 return
        ip6 hoplimit != 64 return
        goto remember
    }
    chain outbound_tcp {
        tcp flags & (syn | ack) == syn jump hyperv_out
        tcp sport @block return
        goto remember_own
    }
    chain outbound_udp {
        ip protocol . ip daddr . udp dport . udp sport @flows4 goto remember
        ip6 nexthdr . ip6 daddr . udp dport . udp sport @flows6 goto remember
        jump hyperv_out
        udp sport @block goto remember
        goto remember_own
    }
    chain outbound {
        ip saddr != @host4 drop
        ip6 saddr != @host6 drop
        meta l4proto tcp goto outbound_tcp
        meta l4proto udp goto outbound_udp
        icmp type echo-request jump hyperv_out
        icmpv6 type echo-request jump hyperv_out
    }
}
"""
