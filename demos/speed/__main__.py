"""How near is a step to its physical limit, what does a token cost when sequences grow, what does a batch
save?

Measured: one step of training.train as it is (forward, backward, clipping, Adam; float32, no padding) and,
turn by turn with it, the matrix products of such a step and nothing else (limits/products.py). In NumPy a
step cannot be faster than its products; what lies between the two is element-wise work, memory traffic and
Python.

Then time and memory per target token while source and target grow. Attention compares every target token with
every source token, so its own part must grow; the rest should not.

Last, generate_greedy: many sources together, the same ones one at a time, and again the products alone. A
model writes one token after another, so each step's products are small, and a batch is what makes them worth
their while.

Not measured: making batches, padding, other libraries.
"""

import itertools
import os
import time
from pathlib import Path

import numpy as np

from numpy_seq2seq import Batch, Config, adam_init, generate_greedy, seq2seq_init, show, train
from numpy_seq2seq.attention import attention_backward, attention_forward
from numpy_seq2seq.config import check_size
from numpy_seq2seq.data import BOS, EOS, SPECIALS
from numpy_seq2seq.scores import SCORES

from ..shared import finish, parser, run, say, settle_options
from .products import Size, multiply, numbers, training_products, writing_products
from .stopwatch import median_ms, peak_bytes

SIZES = (
    Size("lstm", V=59, D=16, H=256, B=128, S=29, T=10),
    Size("lstm", V=13, D=32, H=64, B=64, S=20, T=20),
    Size("gru", V=30, D=32, H=64, B=64, S=11, T=11),
)
GROWING, LENGTHS = Size("lstm", V=13, D=16, H=32, B=32, S=10, T=10), (10, 20, 40, 80, 160, 320)
WITHIN = 1.5
WRITING, ALONE = [Size(cell, V=30, D=32, H=128, B=256, S=20, T=20) for cell in ("rnn", "gru", "lstm")], 32
PATIENCE = 7  # seconds for a row of the first and the last table, twice that for the second one

ABOUT = f"""How near a training step is to its physical limit.

Sets a training step beside its matrix products alone, for three models; then lets source and target grow from
{LENGTHS[0]} to {LENGTHS[-1]} tokens to see what a token costs; then writes answers, many together and one at a time.
Takes about 25 seconds; on a busy machine it measures less often and takes up to a minute."""

COLUMNS = f"""first table (V vocabulary, D embedding, H hidden size, B batch, S source and T target length):
  step ms    one step of training.train: forward, backward, clipping, Adam
  products   ms that the matrix products of that step take alone; same shapes, layouts and dtype
  ratio      products ÷ step; 1 would be a step that does nothing else
  tokens/s   target tokens per second
  peak MB    most memory that a step has in use at one time, beside parameters, Adam's state and the batch

second table, all per target token:
  step       time (µs), or peak memory (kB), of a step
  attention  the same of attention_forward and attention_backward alone: the part that grows with S×T
  rest       time: step − attention. Memory: a step of decoder `fixed`, the same model without attention, and
             no difference, because two peaks need not fall on the same moment
  ×          rest ÷ rest at the shortest length; the line below says if it stays within {WITHIN}×, up and down

third table, of generate_greedy, all in µs per token written:
  alone      sources one at a time ({ALONE} of them)
  together   all B sources as one batch
  products   the matrix products of that batch alone
  ×          alone ÷ together: what the batch saves
  at most    alone ÷ products: what it would save if it did nothing else

Times are medians; what is compared takes turns, so that a slow moment hits all alike. Memory is measured in
steps of its own, since tracing slows a step. Close other programs, and leave OPENBLAS_NUM_THREADS unset."""


def main(arguments=None):
    """Measure, print, perhaps write; returns the exit status."""
    started, given = time.perf_counter(), read_options(arguments)
    say(f"NumPy {np.__version__}, {os.cpu_count()} processors\n")
    sizes = [measure_size(size, given.repeat) for size in given.sizes]
    say(size_table(sizes))
    growth = measure_growth(given.lengths, given.repeat)
    say(f"\n{growth_table(growth)}\n\n{conclusion(growth)}")
    writing = [measure_writing(size, given.repeat) for size in given.writing]
    result = {"repeat": given.repeat, "sizes": sizes, "growth": growth, "writing": writing}
    result |= {"constant": is_constant(growth), "conclusion": conclusion(growth)}
    result["seconds"] = time.perf_counter() - started
    finish(given, f"\n{writing_table(writing)}", result)
    return 0


def read_options(arguments):
    options = parser("speed", ABOUT, COLUMNS)
    options.add_argument("--repeat", metavar="N", type=int, default=15, help="measure N times (default: 15)")
    options.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs")
    options.add_argument("--json", metavar="PATH", type=Path, help="write all figures as JSON")
    given = options.parse_args(arguments)
    settle_options(given)
    check_size("--repeat", given.repeat)
    given.sizes, given.lengths, given.writing = SIZES, LENGTHS, WRITING
    if given.quick:
        given.sizes, given.writing = ([s._replace(H=16, B=8, S=7, T=5) for s in some] for some in (SIZES, WRITING))
        given.lengths, given.repeat = LENGTHS[:3], min(given.repeat, 5)
    return given


# ---- what is measured --------------------------------------------------------------------------------------


def training_step(size, decoder="luong"):
    """A function that trains one step further, each time on the same batch of random tokens."""
    rng, V = np.random.default_rng(0), size.V
    config = Config(V, V, size.D, size.H, size.cell, decoder)
    source, inputs, targets = (rng.integers(len(SPECIALS), V, (size.B, n)) for n in (size.S, size.T, size.T))
    inputs[:, 0] = BOS
    batch = Batch(source, np.ones_like(source, bool), inputs, targets, np.ones_like(targets, bool))
    params = seq2seq_init(rng, config)
    reports = train(params, adam_init(params), config, itertools.repeat(batch), 10**9, lambda step: 1e-3)
    return lambda: next(reports)


def attention_alone(size):
    """A function that runs attention forward and backward, shapes and layouts as in luong_forward."""
    queries, memory = (numbers(n, size.B, size.H).transpose(1, 0, 2) for n in (size.T, size.S))
    mask, dcontext = np.ones((size.B, 1, size.S), bool), numbers(size.B, size.T, size.H)

    def forward_and_backward():
        _, _, cache = attention_forward(queries, memory, memory, {}, mask, SCORES["dot"])
        attention_backward(dcontext, cache)

    return forward_and_backward


def writer(size):
    """A function that writes T tokens for each of the first `rows` of B random sources."""
    rng, config = np.random.default_rng(0), Config(size.V, size.V, size.D, size.H, size.cell)
    params = seq2seq_init(rng, config)
    params["output"]["b"][EOS] = -1e9  # no answer ends before the limit
    source = rng.integers(len(SPECIALS), size.V, (size.B, size.S))
    mask = np.ones_like(source, bool)
    return lambda rows: generate_greedy(source[rows], mask[rows], params, config, size.T)


# ---- how it is measured ------------------------------------------------------------------------------------


def measure_size(size, repeat):
    """Figures of one size as a dict."""
    step, products = training_step(size), training_products(size)
    step_ms, products_ms = median_ms([step, lambda: multiply(products)], repeat, PATIENCE)
    return {
        **size._asdict(),
        "step_ms": step_ms,
        "products_ms": products_ms,
        "ratio": products_ms / step_ms,
        "tokens_per_second": size.B * size.T / step_ms * 1e3,
        "peak_mb": peak_bytes(step) / 1e6,
    }


def measure_growth(lengths, repeat):
    """For each length a dict: µs and kB per target token of the step, of attention and of the rest."""
    sizes = [GROWING._replace(S=n, T=n) for n in lengths]
    works = [(training_step(size), attention_alone(size), training_step(size, "fixed")) for size in sizes]
    # in one turn each goes through equally many tokens, so that no length is measured with colder caches
    turns = [_again(work, lengths[-1] // n) for n, three in zip(lengths, works) for work in three[:2]]
    us = np.reshape(median_ms(turns, repeat, 2 * PATIENCE), (-1, 2)) * 1e3 / (GROWING.B * lengths[-1])
    growth = []
    for n, three, (step, attention) in zip(lengths, works, us.tolist()):
        line = {"length": n, "us_step": step, "us_attention": attention, "us_rest": step - attention}
        for part, work in zip(("step", "attention", "rest"), three):
            line[f"kb_{part}"] = peak_bytes(work) / 1e3 / (GROWING.B * n)
        growth.append(line)
        for unit in ("us", "kb"):
            line[f"{unit}_ratio"] = line[f"{unit}_rest"] / growth[0][f"{unit}_rest"]
    return growth


def _again(work, times):
    return lambda: [work() for _ in range(times)]


def measure_writing(size, repeat):
    """Figures of generate_greedy for one size as a dict."""
    write_rows, products, alone = writer(size), writing_products(size), min(ALONE, size.B)
    works = [
        lambda: [write_rows(slice(b, b + 1)) for b in range(alone)],
        lambda: write_rows(slice(None)),
        lambda: multiply(products),
    ]
    counts = np.array([alone, size.B, size.B]) * size.T
    us = (np.array(median_ms(works, repeat, PATIENCE)) * 1e3 / counts).tolist()
    times = dict(zip(("us_alone", "us_together", "us_products"), us))
    return {**size._asdict(), **times, "saving": us[0] / us[1], "saving_at_most": us[0] / us[2]}


# ---- what a person sees ------------------------------------------------------------------------------------


def size_table(sizes):
    head = (*Size._fields, "step ms", "products", "ratio", "tokens/s", "peak MB")
    shapes = (*["{}"] * len(Size._fields), "{:.2f}", "{:.2f}", "{:.2f}", "{:,.0f}", "{:.1f}")
    rows = [[shape.format(value) for shape, value in zip(shapes, line.values())] for line in sizes]
    return show.table(head, rows)


def growth_table(growth):
    head = ("S = T", "step µs", "attention", "rest", "×", "step kB", "attention", "rest", "×")
    names = [f"{unit}_{part}" for unit in ("us", "kb") for part in ("step", "attention", "rest", "ratio")]
    rows = [(line["length"], *(f"{line[name]:.2f}" for name in names)) for line in growth]
    title = f"Per target token ({GROWING.cell}, D={GROWING.D}, H={GROWING.H}, B={GROWING.B})"
    return f"{title}\n{show.table(head, rows)}"


def writing_table(writing):
    head = (*Size._fields, "alone µs", "together", "products", "×", "at most")
    shapes = (*["{}"] * len(Size._fields), *["{:.2f}"] * 3, *["{:.1f}"] * 2)
    rows = [[shape.format(value) for shape, value in zip(shapes, line.values())] for line in writing]
    return f"Greedy answers, per token written\n{show.table(head, rows)}"


def spans(growth):
    """What a token costs, attention aside, as a multiple of its cost at the first length: least and most."""
    ratios = [[line[name] for line in growth] for name in ("us_ratio", "kb_ratio")]
    return [(min(values), max(values)) for values in ratios]


def is_constant(growth):
    return all(1 / WITHIN <= low and high <= WITHIN for low, high in spans(growth))


def conclusion(growth):
    """What the figures of this run say, whichever way they fall."""
    first, last = growth[0]["length"], growth[-1]["length"]
    time_span, memory_span = (f"{low:.2f} to {high:.2f} times" for low, high in spans(growth))
    return (
        f"From length {first} to {last}, attention's own S×T part aside, a target token costs {time_span}\n"
        f"the time and {memory_span} the memory that it costs at length {first}: "
        f"{'constant' if is_constant(growth) else 'NOT constant'} within {WITHIN}×."
    )


if __name__ == "__main__":
    run(main)
