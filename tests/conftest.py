"""One thread for NumPy's products: those of the tests are so small that a second one costs more."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
