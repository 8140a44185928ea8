"""Sentences from records, of which several are right: a checker judges. Run `python -m demos.describe`.

The records, the sentences and the checker are in records.py. The model learns from one right
sentence for each record, drawn at random, and so learns all the ways to say it; which one it says is drawn
from it at a temperature. All figures are on records, and names, that never occur in training.

Equality with one wanted sentence (exact_match, token_accuracy in the JSON) says little here: the more ways a
record can be put, the lower they are.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Vocabulary, make_batch, make_source
from numpy_seq2seq.generate import generate_greedy, generate_sample
from numpy_seq2seq.seq2seq import parameter_count
from numpy_seq2seq.training import Evaluation, evaluate

from ..shared.options import add_common_options, finish, parser, random_streams, run, settle_options
from ..shared.fit import BATCH, Run, fit
from .records import draw_records, draw_sentence, facts, faults, source_tokens, vocabularies, written  # fmt: skip

READS, WRITES = map(Vocabulary, vocabularies())
EMBEDDING = 32
HELD_OUT, DRAWS, EXAMPLES, MAPS, COLUMNS = 500, 10, 3, 200, 108


class Result(NamedTuple):
    """The trained model, and what it says of held-out records."""

    run: Run
    temperature: float
    records: list
    evaluation: Evaluation  # beside one drawn sentence for each record
    best: list  # for each record the most probable words, as tokens
    weights: np.ndarray  # of those
    drawn: list  # DRAWS lists like `best`, drawn at the temperature


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    given = read_options(arguments)
    result = train_one(given)
    found = {"task": "describe", "seed": given.seed, **figures(result)}
    finish(given, report(result), found, lambda: page(result))
    return 0


def read_options(arguments):
    options = parser(
        "describe",
        "Describe a record (name, city, food, hour …; fields in any order, some missing) in a sentence.\n"
        "There are several right ones, so a checker decides: every field exactly once, nothing else. Names\n"
        "are spelled and must be copied letter by letter. Takes about two minutes.",
        "Ctrl-C ends the training and shows what there is.",
    )
    add_common_options(options, seed=0, steps=1500, hidden=128, cell="gru", html="attention maps")
    options.add_argument("--temperature", metavar="T", type=float, default=0.7,
                         help="of the drawn sentences: towards 0 the most probable one (default: 0.7)")
    given = options.parse_args(arguments)
    settle_options(given)
    if not 0 < given.temperature < np.inf:
        raise ValueError(f"--temperature must be positive and finite, got {given.temperature}")
    return given


def train_one(given):
    """Train the model and let it describe held-out records: in the most probable words, and as drawn."""
    sizes = (len(READS), len(WRITES), EMBEDDING, given.hidden)
    config = Config(*sizes, given.cell, "bahdanau", "additive", directions=2)
    trained = fit("attention", config, lambda rng: make(rng, draw_records(rng, BATCH)), given.steps, given,
                  vocabularies=(READS, WRITES))
    kept = random_streams(given.seed, 3)[2]
    records = draw_records(kept, HELD_OUT // 10 if given.quick else HELD_OUT, held_out=True)
    source, mask = make_source([source_tokens(record) for record in records], READS)
    asked = (source, mask, trained.params, config)
    best = generate_greedy(*asked)
    drawn = [decode(generate_sample(*asked, kept, given.temperature)) for _ in range(DRAWS)]
    evaluation = evaluate(trained.params, config, make(kept, records))
    return Result(trained, given.temperature, records, evaluation, decode(best), best.weights, drawn)


def make(rng, records):
    """A Batch of records, each with one of its right sentences."""
    return make_batch([(source_tokens(r), draw_sentence(rng, r)) for r in records], READS, WRITES)


def decode(generated):
    return [WRITES.decode(row) for row in generated.tokens]


# ---- figures -----------------------------------------------------------------------------------------------


def right(records, sentences):
    """Share of sentences that mention every field exactly once and nothing else."""
    return float(np.mean([not faults(record, tokens) for record, tokens in zip(records, sentences)]))


def copied(records, sentences):
    """Share of names that stand in the sentence, letter for letter."""
    named = [(record, tokens) for record, tokens in zip(records, sentences) if "name" in record]
    return float(np.mean([("name", record["name"]) in facts(tokens)[0] for record, tokens in named]))


def phrasings(result):
    """How many different right sentences the DRAWS of one record are, on average."""
    counts = [len({tuple(s) for s in drawn if not faults(record, s)})
              for record, *drawn in zip(result.records, *result.drawn)]  # fmt: skip
    return float(np.mean(counts))


def fault_counts(result):
    """Counter of what is wrong in the drawn sentences: the first words of each fault, without values."""
    found = Counter()
    for sentences in result.drawn:
        for record, tokens in zip(result.records, sentences):
            found.update(kind(fault) for fault in faults(record, tokens))
    return found


def kind(fault):
    """'city is Oslo, not Rome' to 'city: another one'; other faults stay."""
    return f"{fault.split()[0]}: another one" if ", not " in fault else fault


def figures(result):
    """What the model reached, as a dict for tables and JSON."""
    trained, evaluation = result.run, result.evaluation
    drawn = {name: float(np.mean([measure(result.records, s) for s in result.drawn]))
             for name, measure in (("right", right), ("names_copied", copied))}  # fmt: skip
    return {
        "decoder": trained.config.decoder,
        "score": trained.config.score,
        "parameters": parameter_count(trained.params),
        "steps": trained.steps,
        "seconds": trained.seconds,
        "loss": evaluation.loss,
        "token_accuracy": evaluation.token_accuracy,
        "exact_match": evaluation.exact_match,
        "right": right(result.records, result.best),
        "names_copied": copied(result.records, result.best),
        "temperature": result.temperature,
        "drawn": {**drawn, "phrasings": phrasings(result), "draws": DRAWS, "faults": fault_counts(result)},
    }


# ---- what a person sees ------------------------------------------------------------------------------------


def report(result):
    """Everything about the model as text."""
    shown = figures(result)
    drawn = (show.attention_map(w, s, o) for s, o, w in (tokens(result, n) for n in longest(result, MAPS)))
    drawing = next(text for text in drawn if show.width(text.splitlines()[-1]) <= COLUMNS)
    drawing = f"Where it looks while it writes: source across, output down\n{drawing}"
    return "\n\n".join(["", summary(result, shown), examples(result), drawing, conclusions(result, shown)])


def summary(result, shown):
    rows = [
        ("parameters", f"{shown['parameters']:,}", ""),
        ("training steps", shown["steps"], ""),
        ("seconds", f"{shown['seconds']:.1f}", ""),
        ("loss, nats per token", f"{shown['loss']:.4f}", ""),
        ("every field once, nothing else", f"{shown['right']:.1%}", f"{shown['drawn']['right']:.1%}"),
        ("names copied", f"{shown['names_copied']:.1%}", f"{shown['drawn']['names_copied']:.1%}"),
        (f"right phrasings in {DRAWS} sentences", "", f"{shown['drawn']['phrasings']:.1f}"),
    ]
    head = f"On {len(result.records)} records, names held out"
    return show.table((head, "most probable", f"drawn at {result.temperature:g}"), rows)


def examples(result):
    """Records, each with the most probable sentence and some that were drawn; a mark behind each."""
    lines = []
    for n, record in enumerate(result.records[:EXAMPLES]):
        fields = {**record, "name": record["name"].title()} if "name" in record else record
        lines += ["", "record  " + "  ".join(f"{field}: {value}" for field, value in fields.items())]
        for label, tokens in (("best", result.best[n]), *(("drawn", drawn[n]) for drawn in result.drawn[:3])):
            wrong = "; ".join(faults(record, tokens))
            lines.append(f"{label:<6}  {written(tokens[:40])} {f'✗ ({wrong})' if wrong else '✓'}")
    return "\n".join(lines[1:])


def longest(result, count=6):
    """Numbers of a few records with a name, the longest sources first."""
    sizes = [len(source_tokens(record)) * ("name" in record) for record in result.records[:MAPS]]
    return sorted(range(len(sizes)), key=lambda n: -sizes[n])[:count]


def tokens(result, n):
    """Record and sentence n as tokens, and the map between them, without padding."""
    source = [*source_tokens(result.records[n]), show.EOS_SIGN]
    output = [*result.best[n][:40], show.EOS_SIGN][: result.weights.shape[1]]
    return source, output, result.weights[n][: len(output), : len(source)]


def conclusions(result, shown):
    """What the figures of this run say, whichever way they fall."""
    drawn = shown["drawn"]
    lines = [
        f"Drawn at {result.temperature:g}, {drawn['right']:.1%} say every field once and nothing else.",
        f"Of names that it never saw, {drawn['names_copied']:.1%} are copied letter for letter.",
        f"{DRAWS} sentences about one record are {drawn['phrasings']:.1f} different right ones on average.",
    ]
    if drawn["faults"]:
        fault, count = drawn["faults"].most_common(1)[0]
        total = DRAWS * len(result.records)
        lines.append(f"The most frequent fault, {count} times in {total:,} sentences: {fault}.")
    else:
        lines.append("The checker finds no fault.")
    return "\n".join(lines)


def page(result):
    """A few held-out records as a page with sliders."""
    config = result.run.config
    note = (
        f"{config.cell}, {config.decoder}, {config.score}; {result.run.steps} steps. Move a slider: at each "
        "step the decoder looks back at the whole record, and the shade shows where it looks."
    )
    return show.attention_page("Attention on records", note, [tokens(result, n) for n in longest(result)])


if __name__ == "__main__":
    run(main)
