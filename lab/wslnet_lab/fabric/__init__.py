"""Wires between the lab's network namespaces, and the way packets behave on Windows 11 with WSL2.

Everything here takes names of network namespaces (as in /run/netns/NAME) and changes only those; it never
touches the network namespace of its caller, keeps no daemon and knows no machines. A caller builds a lab so:

    netns.create(name) for each machine
    lan.build_switch(gw, switch)                the switch and the router's address, inside the router
    lan.plug(gw, switch.device, machine, nic)   lan and windows on it
    windows_ip.prepare(windows)                 once per boot of Windows
    nat.start(windows, wsl, nat_link)           -> guest.service.Guest     or
    mirrored.start(windows, wsl, host)          -> mirrored.Mirroring
    nested.plug(host, guest, wire)              a VM behind virbr0
    nested.load_rules(host, network, "reject-in-forward")
    hyperv_firewall.apply(windows, policy)      any time
    mirroring.refresh()                         every half second while mirrored
    windows_ip.read_adapters / set_forwarding / read_routes / add_route / delete_route

A Guest holds what WSL's guest service has done: `resolv_conf` is the text of /etc/resolv.conf, `apply(event)`
takes one more event of Windows (address, route, link, DNS, card).
"""
