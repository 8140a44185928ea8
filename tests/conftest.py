"""What the tests need of the process: one thread, and signals that arrive."""

import os
import signal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # products this small are slower with two

# under nohup, or in the background of a script, a process inherits that these are ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
