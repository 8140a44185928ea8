"""What speed measures, as rows of tables: dicts whose names are the heads."""

import numpy as np

from .models import training_step, writer
from .recorder import recorder
from .stopwatch import peak_bytes, shortest, threads, timed

ALONE = 32  # answers that are written one at a time
PATIENCE = 4  # seconds for a row of the first tables; twice that for a model of the last one


def measure(sizes, writing, growing, repeat):
    """All tables, with the number of threads that this process has: lists of dicts."""
    steps, parts = zip(*(measure_step(size, repeat) for size in sizes))
    return {
        "threads": threads(),
        "steps": steps,
        "parts": parts,
        "writing": [measure_writing(size, repeat) for size in writing],
        "growth": [measure_growth(sizes, repeat) for sizes in growing],
    }


def measure_step(size, repeat):
    """Figures of a step, and the share of each of its parts."""
    (kind, recorded), works = recorder(), []
    for each in (size, size._replace(D=4, H=4, B=1)):
        works += timed(training_step(each)), recorded(training_step(each, kind))
    whole, calls, least, least_calls = shortest(works, repeat, PATIENCE)
    inside, seconds = ("products", "loss and softmax", "optimiser"), whole["all"]
    parts = {name: calls[name] / seconds for name in inside}
    parts["Python"] = (least["all"] - sum(least_calls[name] for name in inside)) / seconds
    return {
        **size._asdict(),
        "step ms": seconds * 1e3,
        "products": calls["products"] * 1e3,
        "ratio": parts["products"],
        "Gflop/s": calls["flop"] / calls["products"] / 1e9,
        "tokens/s": size.B * size.T / seconds,
        "peak MB": peak_bytes(training_step(size)) / 1e6,
    }, {**parts, "the rest": 1 - sum(parts.values())}


def measure_writing(size, repeat):
    """µs per token of generate_greedy."""
    (kind, recorded), alone = recorder(), min(ALONE, size.B)
    write, one = writer(size), writer(size._replace(B=1))
    works = timed(lambda: [one() for _ in range(alone)]), timed(write), recorded(writer(size, kind))
    single, together, calls = shortest(works, repeat, PATIENCE)
    us = 1e6 / size.T  # per token of one answer
    return {
        **size._asdict(),
        "alone": us * single["all"] / alone,
        "together": us * together["all"] / size.B,
        "products": us * calls["products"] / size.B,
        "saved": single["all"] / alone / (together["all"] / size.B),
    }


def measure_growth(sizes, repeat):
    """µs and kB per target token of one model at each length."""
    (kind, recorded), works, growth = recorder(), [], []
    tokens = sizes[-1].T  # in one turn each goes through equally many, so that none finds colder caches
    for size in sizes:
        step, again = (_repeated(training_step(size, of), tokens // size.T) for of in (np.ndarray, kind))
        works += timed(step), recorded(again)
    found = shortest(works, repeat, 2 * PATIENCE)
    for size, whole, calls in zip(sizes, found[::2], found[1::2]):
        us, attention = (seconds * 1e6 / (size.B * tokens) for seconds in (whole["all"], calls["attention"]))
        kb, rest = peak_bytes(training_step(size)) / 1e3 / (size.B * size.T), us - attention
        first = growth[0]["rest"] if growth else rest
        row = {"model": size.model, "B": size.B, "S = T": size.T, "step µs": us, "attention": attention}
        growth.append({**row, "rest": rest, "×": rest / first, "peak kB": kb})
    return growth


def _repeated(work, times):
    return lambda: [work() for _ in range(times)]
