"""What wslnet-agent says: on stderr where the journal reads it, else in a file that is bounded."""

import os
import sys
import time

_FILE = "/var/log/wslnet-agent.log"
_MOST_BYTES = 65536


def say(text: "str") -> "None":
    """Log one line."""
    line = text.replace("\n", " ")
    if os.environ.get("JOURNAL_STREAM"):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
        return
    try:
        if os.path.exists(_FILE) and os.path.getsize(_FILE) > _MOST_BYTES:
            os.rename(_FILE, _FILE + ".1")
        with open(os.open(_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "a") as file:
            file.write("%s %s\n" % (time.strftime("%Y-%m-%dT%H:%M:%S%z"), line))
    except OSError as error:
        sys.stderr.write("%s (%s)\n" % (line, error))
