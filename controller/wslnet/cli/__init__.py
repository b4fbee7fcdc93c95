"""The command line: parses, calls `wslnet.app`, prints. One file for one verb, imported when it is used."""
