"""The two programs of Windows that carry TCP for others: wslrelay, and the service behind portproxy.

Each runs as a process of its own in the `windows` namespace, so that the sockets have the right owner. They
know nothing of the lab; `wslnet_lab.relays` starts them. Standard library only: they are started often.
"""
