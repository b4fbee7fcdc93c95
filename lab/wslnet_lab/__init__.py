"""The lab: a Windows host, WSL2, a VM and a VM in it, in namespaces on one Linux machine."""
