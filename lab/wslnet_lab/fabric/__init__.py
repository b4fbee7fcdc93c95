"""Wires between the lab's network namespaces, and the way packets behave on Windows 11 with WSL2.

Everything here takes names of network namespaces (as in /run/netns/NAME) and changes only those; it never
touches the network namespace of its caller, runs no daemon and knows no machines. A caller builds a lab so:

    netns.create(name)                          for each machine
    lan.build_switch(gw, switch)                the switch and the router's addresses, inside the router
    lan.plug(gw, switch.device, machine, nic)   the peer and Windows' card on it
    windows_ip.prepare(windows)                 once per boot of Windows
    hyperv_firewall.apply(windows, policy)      at boot, and whenever the policy changes
    nat.start(windows, wsl, nat_link)           -> guest.service.Guest, or
    mirrored.start(windows, wsl, host)          -> mirrored.Mirroring; its refresh() twice a second
    nested.start_network(host, network, generation)
    nested.plug(host, guest, tap_wire)          a VM behind virbr0

and reads and changes Windows by `windows_ip`: read_adapters, read_routes, set_forwarding, add_route,
delete_route. A Guest holds what WSL's guest service has done: `resolv_conf` is the text of /etc/resolv.conf,
`apply(event)` takes one more event of Windows (address, route, link, DNS, card).
"""
