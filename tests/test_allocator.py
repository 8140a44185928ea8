"""Appendix, allocator: memory that a step has freed is there for the next one."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

WORK = """
import resource
import numpy as np
import numpy_seq2seq

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [np.ones(n) for n in (6_000_000, 5_000_000, 4_000_000)]     # 120 MB, then free
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(pages(), pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is an option of glibc")
def test_freed_memory_is_not_fetched_again():
    how = {"cwd": Path(__file__).parents[1], "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", WORK], **how)
    assert done.returncode == 0, done.stderr
    first, second = map(int, done.stdout.split())
    assert second < 100 and second < first
