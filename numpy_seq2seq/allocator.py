"""Appendix: allocator. Freed memory is kept for the next step. This is arranged when seq2seq.py is imported.

It stands apart: nothing that a chapter computes depends on it.

Between two steps of training nearly all arrays are free. glibc then gives their memory back to the system,
and the next step gets it anew, page by page and zeroed: a fifth of a step of an LSTM with H = 256 and B = 128,
a quarter of one of a Transformer that reads and writes 320 tokens. Two options (man 3 mallopt) keep it: no free
memory is given back, and no array gets pages of its own. The process stays as large as it once was. With other
allocators nothing is done.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h

if sys.platform == "linux":
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_MMAP_MAX, 0)
