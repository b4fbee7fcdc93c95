"""Programs of Windows that work for others: wslrelay, the service behind portproxy, and who answers names.

Each runs as a process of its own in a namespace, so that the sockets have the right owner. They
know nothing of the lab; `wslnet_lab.relays` starts them. Standard library only: they are started often.
"""
