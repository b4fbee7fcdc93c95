"""`python -m wslnet`."""

from wslnet.cli.main import main

if __name__ == "__main__":
    main()
