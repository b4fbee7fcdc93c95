"""The Windows host's protocols: HTTP, NTLM, WS-Management, PSRP and WinRS as a real Windows speaks them.

It turns what clients send into `contract.Invocation`s and `contract` values back into messages. It knows no
command, keeps no Windows state and never touches the network of the lab.
"""
