"""How long, how much, and on how many threads."""

import multiprocessing
import os
import signal
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor

import numpy as np

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def timed(work):
    """A function that does the work and returns {"all": seconds}."""
    def measured():
        started = time.perf_counter()
        work()
        return {"all": time.perf_counter() - started}

    return measured


def shortest(works, repeat, seconds):
    """For each work its figures as a dict, the least of each; a work returns such a dict when it is called.

    Other programs can only make a work slower, so the least is the nearest. The works take turns, after a
    first round that does not count. When the seconds are over, no further round begins.
    """
    ends, rounds = time.perf_counter() + seconds, []
    while len(rounds) <= repeat and (len(rounds) < 2 or time.perf_counter() < ends):
        rounds.append([work() for work in works])
    return [{name: min(found[name] for found in each) for name in each[0]} for each in zip(*rounds[1:])]


def peak_bytes(work):
    """Most memory in use at one time during a second call, with what the first one has left behind."""
    tracemalloc.start()
    try:
        work()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def threads():
    """How many threads a matrix product uses: processor time of all threads ÷ that of the first one."""
    a, found = np.ones((600, 600), "float32"), []
    for _ in range(9):
        everyone, first = time.process_time(), time.thread_time()
        a @ a @ a @ a
        found.append((time.process_time() - everyone) / (time.thread_time() - first))
    return min(round(max(found)), os.cpu_count())  # two clocks, so that a quotient may be too large


def with_one_thread(function, *arguments):
    """What the function returns in a process of its own, whose products use one thread."""
    os.environ |= dict.fromkeys(ONE_THREAD, "1")  # this process has read them long ago
    spawn, on_ctrl_c = multiprocessing.get_context("spawn"), (signal.SIGINT, signal.SIG_DFL)
    with ProcessPoolExecutor(1, spawn, signal.signal, on_ctrl_c) as pool:
        return pool.submit(function, *arguments).result()
