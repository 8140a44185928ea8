"""How long and how much: median times of works that take turns, and the most memory one has in use. For speed."""

import statistics
import time
import tracemalloc


def median_ms(works, repeat, seconds):
    """Median milliseconds of each; they take turns, after a first round that does not count. When the seconds
    are over, no further round begins."""
    ends, rounds = time.perf_counter() + seconds, []
    while len(rounds) <= repeat and (len(rounds) < 2 or time.perf_counter() < ends):
        rounds.append([_milliseconds(work) for work in works])
    return [statistics.median(times) for times in zip(*rounds[1:])]


def _milliseconds(work):
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


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
