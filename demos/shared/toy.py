"""What reverse_task and copy_task share: one task, two models, side by side.

The attention model and the fixed-vector model have the same encoder, see the same batches in the same order,
and take the same number of steps. What differs is whether the decoder may look back.
"""

import sys
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import EOS, Batch, Vocabulary, make_batch, make_source
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.seq2seq import parameter_count
from numpy_seq2seq.tasks import LETTERS, check_task, draw_pairs, right_places
from numpy_seq2seq.training import Evaluation, evaluate

from .options import add_common_options, finish, parser, percent, prompts, random_streams, settle_options
from .fit import BATCH, Run, fit, in_turn

EMBEDDING = 32
HELD_OUT, EXAMPLES, MAPS = 2000, 6, 200
# A copy begins with the letter that was read first. An encoder that reads both ways makes it easy to find.
DEFAULTS = {"reverse": {"steps": 300, "directions": 1}, "copy": {"steps": 400, "directions": 2}}


class Result(NamedTuple):
    """One trained model, and how it does on held-out strings."""

    run: Run
    pairs: list
    batch: Batch
    evaluation: Evaluation


def main(task, arguments=None):
    """Train, show, and perhaps talk; returns the exit status."""
    given = read_options(task, arguments)
    vocabulary = Vocabulary(given.alphabet)

    def train_beside(decoder, beside):
        return train_one(task, decoder, vocabulary, given, directions=given.directions, beside=beside)

    results = in_turn(train_beside, dict.fromkeys([given.decoder, "fixed"]), given)
    shown, found = report(task, vocabulary, results), as_json(task, given.seed, results)
    finish(given, shown, found, lambda: page(task, vocabulary, results[0]))
    return talk(vocabulary, results[0]) if given.interactive else 0


def read_options(task, arguments):
    options = parser(
        f"{task}_task",
        f"{task.capitalize()} strings of random letters with attention, and without it.\n\n"
        "Trains two models with the same encoder on the same strings for the same number of steps: one whose\n"
        "decoder attends to every encoder state, and one that gets the encoder's last state and nothing else.\n"
        "Then shows both on strings that never occur in training. Takes about 10 seconds.",
        "Ctrl-C ends the training and shows what there is.",
    )
    add_common_options(
        options, seed=0, steps=DEFAULTS[task]["steps"], hidden=64, cell="lstm", decoder="luong", score=None,
        html="attention maps",
    )  # fmt: skip
    ways = DEFAULTS[task]["directions"]
    for name, metavar, kind, default, text in (
        ("directions", "N", int, ways, f"of the encoder (default: {ways})"),
        ("lengths", "A-B", str, "1-10", "shortest and longest string (default: 1-10)"),
        ("alphabet", "LETTERS", str, LETTERS, "letters to draw from (default: a to z)"),
    ):
        options.add_argument(f"--{name}", metavar=metavar, type=kind, default=default, help=text)
    talk = "after training, type strings and see them decoded"
    options.add_argument("--interactive", action="store_true", help=talk)
    given = options.parse_args(arguments)
    given.task = task  # a run that is gone on with has to have the same one
    settle_options(given)
    given.lengths = read_lengths(given.lengths)
    check_task(task, given.lengths, given.alphabet)
    return given


def read_lengths(text):
    """'1-10' or '7' to (shortest, longest)."""
    parts = text.split("-")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"--lengths must look like 1-10 or 7, got {text!r}")
    return int(parts[0]), int(parts[-1])


def train_one(task, decoder, vocabulary, given, label=None, directions=1, beside=""):
    """Train one model and evaluate it; the same seed gives every model the same strings."""
    attends, V = DECODERS[decoder].attends, len(vocabulary)
    score = given.score if attends else None
    config = Config(V, V, EMBEDDING, given.hidden, given.cell, decoder, score, directions)

    def draw(rng, count=BATCH, held_out=False):
        pairs = draw_pairs(task, rng, count, given.lengths, given.alphabet, held_out)
        return pairs, make_batch(pairs, vocabulary, vocabulary)

    kept = random_streams(given.seed, 3)[2]
    pairs, batch = draw(kept, HELD_OUT // 5 if given.quick else HELD_OUT, held_out=True)
    glance = make_batch(pairs[:BATCH], vocabulary, vocabulary)
    run = fit(
        label or ("attention" if attends else f"{decoder} vector"), config, lambda rng: draw(rng)[1],
        given.steps, given, glance=glance, vocabularies=(vocabulary, vocabulary), beside=beside,
    )  # fmt: skip
    return Result(run, pairs, batch, evaluate(run.params, config, batch))


# ---- figures -----------------------------------------------------------------------------------------------


def exact_by_length(result):
    """dict: length of the source -> share of answers that are entirely right."""
    lengths = result.batch.source_mask.sum(axis=1) - 1  # without EOS
    exact = (result.evaluation.right | ~result.batch.target_mask).all(axis=1)
    return {int(n): float(exact[lengths == n].mean()) for n in np.unique(lengths)}


def accuracy_by_position(result, length):
    """(length,) share of strings of one length whose letter at each output position is right."""
    rows = result.batch.target_mask.sum(axis=1) - 1 == length
    return result.evaluation.right[rows, :length].mean(axis=0)


def alignment_accuracy(task, result):
    """Share of output letters whose largest weight lies on the source letter that they come from."""
    hits = []
    for (source, _), weights in zip(result.pairs[:MAPS], result.evaluation.weights):
        places = right_places(task, source)[: len(weights)]
        hits += list(weights[: len(places)].argmax(axis=1) == places)
    return float(np.mean(hits))


def figures(result):
    """What one model reached, as a dict for tables and JSON."""
    return {
        "decoder": result.run.config.decoder,
        "score": result.run.config.score,
        "directions": result.run.config.directions,
        "parameters": parameter_count(result.run.params),
        "steps": result.run.steps,
        "seconds": result.run.seconds,
        "seconds_to_99": result.run.seconds_to_99,
        "loss": result.evaluation.loss,
        "token_accuracy": result.evaluation.token_accuracy,
        "exact_match": result.evaluation.exact_match,
        "exact_by_length": exact_by_length(result),
    }


def as_json(task, seed, results):
    """The first model's figures, and those of the model beside it under its decoder's name."""
    first, *others = [
        {
            **figures(r),
            "accuracy_by_position": accuracy_by_position(r, _longest(r)),
            "alignment_accuracy": None if r.evaluation.weights is None else alignment_accuracy(task, r),
        }
        for r in results
    ]
    return {"task": task, "seed": seed, **first, **{other["decoder"]: other for other in others}}


def _longest(result):
    return max(exact_by_length(result))


# ---- what a person sees ------------------------------------------------------------------------------------


def report(task, vocabulary, results):
    """Everything about the models as text, the same examples for each."""
    parts = [summary(results), examples(vocabulary, results), lengths(results), positions(results)]
    if results[0].evaluation.weights is not None:
        parts.append(example_map(vocabulary, results[0]))
    return "\n\n".join(["", *parts, conclusions(task, results)])


def summary(results):
    rows = [
        ("parameters", *(f"{parameter_count(r.run.params):,}" for r in results)),
        ("training steps", *(r.run.steps for r in results)),
        ("seconds", *(f"{r.run.seconds:.1f}" for r in results)),
        ("exact match", *(f"{r.evaluation.exact_match:.1%}" for r in results)),
        ("token accuracy", *(f"{r.evaluation.token_accuracy:.1%}" for r in results)),
        ("loss, nats per token", *(f"{r.evaluation.loss:.4f}" for r in results)),
    ]
    strings = len(results[0].pairs), len({source for source, _ in results[0].pairs})
    head = "On {:,} held-out strings, {:,} different".format(*strings)
    return show.table((head, *(r.run.name for r in results)), rows)


def examples(vocabulary, results):
    """source, wanted, and what each model says; a mark behind what is wrong."""
    by_length = sorted(range(EXAMPLES * 4), key=lambda n: len(results[0].pairs[n][0]))
    rows = []
    for n in by_length[:: len(by_length) // EXAMPLES]:
        source, target = results[0].pairs[n]
        said = ["".join(vocabulary.decode(r.evaluation.tokens[n])) for r in results]
        rows.append((source, target, *(f"{s} {'✓' if s == target else '✗'}" for s in said)))
    return show.table(("src", "want", *(f"got: {r.run.name}" for r in results)), rows)


def lengths(results):
    shares = [exact_by_length(r) for r in results]
    rows = [(r.run.name, *map(percent, share.values())) for r, share in zip(results, shares)]
    return show.table(("Exact match by length", *shares[0]), rows)


def positions(results):
    n = _longest(results[0])
    shares = [accuracy_by_position(r, n) for r in results]
    cells = [[f"{show.fit(show.bar(x), 20)} {percent(x):>5}" for x in share] for share in shares]
    rows = [(str(t + 1), *row) for t, row in enumerate(zip(*cells))]
    head = ("position", *(show.fit(r.run.name, 26) for r in results))
    return f"Accuracy by output position, strings of length {n}\n" + show.table(head, rows)


def example_map(vocabulary, result):
    n = max(range(MAPS), key=lambda k: len(result.pairs[k][0]))
    source, output, weights = _tokens(vocabulary, result, n)
    title = "Where it looks while it writes: source across, output down"
    return f"{title}\n{show.attention_map(weights, source, output)}"


def _tokens(vocabulary, result, n):
    """Source tokens, output tokens and the map between them of held-out string n, without padding."""
    source = [*result.pairs[n][0], show.EOS_SIGN]
    row = result.evaluation.tokens[n]
    output = vocabulary.decode(row)
    output += [show.EOS_SIGN] * (len(output) < len(row))
    return source, output, result.evaluation.weights[n][: len(output), : len(source)]


def conclusions(task, results):
    """What the figures of this run say, whichever way they fall."""
    lines = []
    if len(results) == 2:
        n = _longest(results[0])
        a, b = (exact_by_length(r)[n] for r in results)
        one, other = (r.run.name for r in results)
        lines.append(f"At length {n} {one} gets {percent(a)} of the strings right and {other} {percent(b)}.")
        first, *_, last = accuracy_by_position(results[1], n) if n > 1 else (b, b)
        verb = "does not fall much from first to last"
        if first - last >= 0.3:
            verb = "starts right and goes wrong" if first >= 0.7 else "falls from first to last"
        lines.append(f"The {other} {verb}: first letter {percent(first)}, last letter {percent(last)}.")
    if results[0].evaluation.weights is not None:
        hits = alignment_accuracy(task, results[0])
        lines.append(f"The largest weight lies on the letter to be written for {percent(hits)} of the letters.")
    return "\n".join(lines)


def page(task, vocabulary, result):
    """The longest few held-out strings as a page with sliders."""
    longest = sorted(range(MAPS), key=lambda n: -len(result.pairs[n][0]))[:EXAMPLES]
    note = (
        f"{result.run.config.cell}, {result.run.config.decoder}, {result.run.config.score}; {result.run.steps} steps; "
        f"exact match {result.evaluation.exact_match:.1%} on held-out strings. Move a slider: at each step the "
        "decoder looks back at the whole source, and the shade shows where it looks."
    )
    return show.attention_page(f"Attention on {task}", note, [_tokens(vocabulary, result, n) for n in longest])


def talk(vocabulary, result):
    """Read strings and decode them token by token. Returns 2 if a script handed in a string that is refused."""
    status = 0
    print("\nType a string and Enter; an empty line decodes the empty string, Ctrl-D ends.")
    for line in prompts():
        try:
            source, mask = make_source([line], vocabulary)
        except ValueError:
            odd = next(c for c in line if c not in vocabulary.ids)
            print(f"error: {odd!r} is not in the alphabet {''.join(vocabulary.ids)!r}", file=sys.stderr)
            status = 0 if sys.stdin.isatty() else 2
            continue
        tokens, weights = generate_greedy(source, mask, result.run.params, result.run.config)
        print(" " * 12 + "  ".join([*line, show.EOS_SIGN]))
        for t, token in enumerate(tokens[0]):
            symbol = show.EOS_SIGN if token == EOS else vocabulary.symbols[token]
            row = "" if weights is None else show.attention_row(weights[0, t], 3)
            print(f"step {t + 1:>3}  {symbol} {row}")
        print(f"answer: {''.join(vocabulary.decode(tokens[0]))}")
    return status
