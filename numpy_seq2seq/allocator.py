"""Appendix: allocator. One hint to the memory allocator, given when seq2seq.py is imported.

It stands apart: nothing that a chapter computes depends on it.

glibc returns freed memory to the system above a limit that it learns: twice the largest block freed so far,
32 MB counting at most. The block below, which is never written to, sets this limit. Without it every training
step would get its arrays anew, page by page and zeroed: a third of its time. With other allocators the line
does nothing.
"""

import numpy as np

np.empty(32_000_000, np.uint8)
