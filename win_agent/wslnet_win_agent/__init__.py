"""The Windows half: typed calls, values, `.wslconfig`, `wsl.exe`; sends only through a bridge it is given."""
