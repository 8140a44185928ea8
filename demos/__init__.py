"""Programs: `python -m demos.NAME`, from the project's root."""

import os
import signal
import sys


def _stop(number, frame):
    os.write(2, b"stopped\n")
    os._exit(128 + number)


if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _stop)  # Ctrl-C while modules are still imported; shared.run takes over
