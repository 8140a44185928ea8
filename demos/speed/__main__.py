"""How near is a training step to its physical limit, which is its matrix products?

Shows for four models how much of a step they are, and what the rest is; what it costs to write answers, many
together and one at a time; and what a token costs while source and target grow from 10 to 320 tokens. The
first two are measured again with one thread. Takes about a minute. Close other programs: on a busy machine
threads wait for each other.

training steps (V vocabulary, D embedding, H hidden size, B batch, S source and T target length):
  step ms    one step of training.train: forward, backward, clipping, Adam, its checks
  products   ms of it that matrix products take
  ratio      products ÷ step; 1 would be a step that does nothing else
  Gflop/s    billions of multiplications and additions in a second of products
  tokens/s   target tokens
  peak MB    most memory in use at one time, beside parameters, Adam's state and the batch
  Python     the same step with one sequence and H = 4: calls, and hardly a number
  the rest   element-wise work and copies: what is left

greedy answers, µs per token written:
  alone      32 sources one at a time
  together   all B sources as one batch; of that, products
  saved      alone ÷ together

while source and target grow, µs and kB per target token:
  attention  the functions of attention.py: the part that grows with S×T
  rest       the step without them; × is rest ÷ rest at the shortest length
"""

import os
import time
from pathlib import Path

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.checks import check_size

from ..shared import Claim, add_flag, add_option, claims_table, finish, parser, percent, run, say
from ..shared import settle_options
from .measures import measure
from .models import Size
from .stopwatch import threads, with_one_thread

SIZES = (
    Size("lstm", V=59, D=16, H=256, B=128, S=29, T=10),
    Size("lstm", V=13, D=32, H=64, B=64, S=20, T=20),
    Size("gru", V=30, D=32, H=64, B=64, S=11, T=11),
    Size("transformer", V=13, D=64, H=64, B=64, S=20, T=20),
)
WRITING = [
    Size(model, V=30, D=D, H=128, B=256, S=20, T=20)
    for model, D in (("rnn", 32), ("gru", 32), ("lstm", 32), ("transformer", 128))
]
GROWING = [
    Size(model, V=13, D=32, H=32, B=B, S=0, T=0)
    for model, B in (("lstm", 32), ("lstm fixed", 32), ("transformer", 8))
]
LENGTHS = (10, 20, 40, 80, 160, 320)
FORMS = {"tokens/s": ",.0f", "Gflop/s": ".0f", "saved": ".1f"}  # of fractions, else .2f


def main(arguments=None):
    """Measure, print, perhaps write; returns the exit status."""
    started, given = time.perf_counter(), read_options(arguments)
    count, runs = threads(), []
    say(f"NumPy {np.__version__}, {os.cpu_count()} processors; threads of its matrix products: {count}")
    if count > 1:
        runs = [measure(given.sizes, given.writing, [], given.repeat)]
        say(told(runs[0]))
    runs.append(with_one_thread(measure, given.sizes, given.writing, given.growing, given.repeat))
    growth = [row for rows in runs[-1]["growth"] for row in rows]
    claims = [claim_of(rows) for rows in runs[-1]["growth"]]
    text = f"{told(runs[-1])}\n\nWhile source and target grow\n{table(growth)}\n\n{claims_table(claims)}"
    result = {"threads": count, "repeat": given.repeat, "runs": runs, "claims": [c.as_dict() for c in claims]}
    finish(given, text, {**result, "seconds": time.perf_counter() - started})
    return 0


def read_options(arguments):
    options = parser("speed", __doc__, "Times are the shortest of all; what is compared takes turns.")
    add_option(options, "repeat", "N", int, "measure N times", 15)
    add_flag(options, "quick", "tiny sizes, to see that everything runs")
    add_option(options, "json", "PATH", Path, "write all figures as JSON")
    given = settle_options(options.parse_args(arguments))
    check_size("--repeat", given.repeat)
    given.sizes, given.writing, lengths = SIZES, WRITING, LENGTHS
    if given.quick:
        lengths, given.repeat = LENGTHS[:3], min(given.repeat, 5)
        tiny = {"D": 16, "H": 16, "B": 8, "S": 7, "T": 5}
        given.sizes, given.writing = ([size._replace(**tiny) for size in some] for some in (SIZES, WRITING))
    given.growing = [[size._replace(S=n, T=n) for n in lengths] for size in GROWING]
    return given


# ---- what a person sees ------------------------------------------------------------------------------------


def told(found):
    heads = [f"{step['model']} H={step['H']}" for step in found["steps"]]
    bars = [(name, *(_bar(parts[name]) for parts in found["parts"])) for name in found["parts"][0]]
    return (
        f"\nThreads of the matrix products: {found['threads']}\n\n{table(found['steps'])}\n\n"
        f"{show.table(('part of the step', *heads), bars)}\n\n"
        f"Greedy answers, µs per token written\n{table(found['writing'])}"
    )


def _bar(share):
    return f"{show.fit(show.bar(share, 8), 8)} {percent(share):>4}"


def table(rows):
    """Dicts with the same names as a table."""
    def cell(name, value):
        return format(value, FORMS.get(name, ".2f")) if isinstance(value, float) else value

    return show.table(rows[0], [[cell(*item) for item in row.items()] for row in rows])


def claim_of(rows):
    """Attention aside, a token costs as much in a long sequence as in a short one."""
    first, last = rows[0], rows[-1]
    text = f"{last['model']}: the rest of a token, in {last['S = T']} tokens ÷ in {first['S = T']}"
    return Claim(text, last["×"], 1.5, True, "{:.2f}")


if __name__ == "__main__":
    run(main)
