"""Sentences from records, of which several are right, so that a checker judges: `python -m demos.describe`.

    city: Oslo  name: Mira  food: soup   ->   Mira, who lives in Oslo, likes soup.

The fields stand in any order and some are missing. A sentence is right if it says every field exactly once
and nothing else; records.py has the grammar and the checker. Names are spelled and must be copied letter by
letter. The model learns from one right sentence for each record, drawn at random, and so learns all the
ways to say it; which one it says is drawn from it at a temperature. It is shown on records, and names, that
never occur in training. Takes about two minutes.

Equality with one wanted sentence (exact_match, token_accuracy in the JSON) says little here: the more ways
a record can be put, the lower they are.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Config, Vocabulary, generate_sample, make_batch, make_source, show

from .. import shared
from ..shared import Claim, Result
from .records import draw_records, draw_sentence, facts, faults, source_tokens, vocabularies, written

READS, WRITES = map(Vocabulary, vocabularies())
EMBEDDING = 32
HELD_OUT, DRAWS, EXAMPLES = 500, 10, 3


class Described(NamedTuple):
    """The trained model, and what it says of held-out records."""

    temperature: float
    records: list
    result: Result  # the most probable words, beside one drawn sentence for each record
    drawn: list  # DRAWS lists of sentences, drawn at the temperature


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    model = train(options)
    found = figures(model)
    parts, claims = report(model, found), list(claimed(found))
    return shared.conclude("describe", options, parts, [model.result], [found], claims, named(model))


def read_options(arguments):
    command = shared.parser("describe", __doc__)
    shared.add_common_options(command, seed=0, steps=1500, hidden=128, cell="gru", html="attention maps")
    command.add_argument("--temperature", metavar="T", type=float, default=0.7,
                         help="of the drawn sentences: towards 0 the most probable one (default: 0.7)")
    options = shared.settle_options(command.parse_args(arguments))
    if not 0 < options.temperature < np.inf:
        raise ValueError(f"--temperature must be positive and finite, got {options.temperature}")
    return options


def train(options):
    """Train the model and let it describe held-out records: in the most probable words, and as drawn."""
    sizes = len(READS), len(WRITES), EMBEDDING, options.hidden
    config = Config(*sizes, cell=options.cell, decoder="bahdanau", score="additive", directions=2)

    def draw(rng):
        return make_batch(pairs_of(rng, draw_records(rng, shared.BATCH)), READS, WRITES)

    run = shared.fit("attention", config, draw, options, (READS, WRITES), {"task": "describe"})
    rng = shared.held_out_stream(options.seed)
    records = draw_records(rng, HELD_OUT // 10 if options.quick else HELD_OUT, held_out=True)
    source, mask = make_source([source_tokens(record) for record in records], READS)
    asked = source, mask, run.params, config, rng, options.temperature
    drawn = [list(map(WRITES.decode, generate_sample(*asked).tokens)) for _ in range(DRAWS)]
    return Described(options.temperature, records, shared.judge(run, pairs_of(rng, records)), drawn)


def pairs_of(rng, records):
    """Records, each with one of its right sentences."""
    return [(source_tokens(record), draw_sentence(rng, record)) for record in records]


# ---- figures -----------------------------------------------------------------------------------------------


def right(records, sentences):
    """Share of sentences that mention every field exactly once and nothing else."""
    return float(np.mean([not faults(record, tokens) for record, tokens in zip(records, sentences)]))


def copied(records, sentences):
    """Share of names that stand in the sentence, letter for letter."""
    named = [(record, tokens) for record, tokens in zip(records, sentences) if "name" in record]
    return float(np.mean([("name", record["name"]) in facts(tokens)[0] for record, tokens in named]))


def phrasings(model):
    """How many different right sentences the DRAWS of one record are, on average."""
    counts = [len({tuple(s) for s in drawn if not faults(record, s)})
              for record, *drawn in zip(model.records, *model.drawn)]
    return float(np.mean(counts))


def fault_counts(model):
    """Counter of what is wrong in the drawn sentences: the first words of each fault, without values."""
    found = Counter()
    for sentences in model.drawn:
        for record, tokens in zip(model.records, sentences):
            found.update(kind(fault) for fault in faults(record, tokens))
    return found


def kind(fault):
    """'city is Oslo, not Rome' to 'city: another one'; other faults stay."""
    return f"{fault.split()[0]}: another one" if ", not " in fault else fault


def figures(model):
    """What the model reached, as a dict for tables and JSON."""
    drawn = {name: float(np.mean([measure(model.records, s) for s in model.drawn]))
             for name, measure in (("right", right), ("names_copied", copied))}
    return {
        **shared.figures(model.result),
        "right": right(model.records, model.result.said),
        "names_copied": copied(model.records, model.result.said),
        "temperature": model.temperature,
        "drawn": {**drawn, "phrasings": phrasings(model), "draws": DRAWS, "faults": fault_counts(model)},
    }


def claimed(found):
    """What this run should show, each with its threshold."""
    drawn = found["drawn"]
    yield Claim("drawn sentences that say every field once and nothing else", drawn["right"], 0.95)
    yield Claim("names never seen in training that are copied letter for letter", drawn["names_copied"], 0.98)
    yield Claim(f"different right sentences in {DRAWS} of a record", drawn["phrasings"], 3, form="{:.1f}")


# ---- what a person sees ------------------------------------------------------------------------------------


def report(model, found):
    """Everything about the model as text."""
    drawn = found["drawn"]
    rows = [
        ("parameters", f"{found['parameters']:,}", ""),
        ("training steps", found["steps"], ""),
        ("seconds", f"{found['seconds']:.1f}", ""),
        ("loss, nats per token", f"{found['loss']:.4f}", ""),
        ("every field once, nothing else", f"{found['right']:.1%}", f"{drawn['right']:.1%}"),
        ("names copied", f"{found['names_copied']:.1%}", f"{drawn['names_copied']:.1%}"),
        (f"right phrasings in {DRAWS} sentences", "", f"{drawn['phrasings']:.1f}"),
        *((f"fault: {fault}", "", f"{count} times") for fault, count in drawn["faults"].most_common(3)),
    ]
    head = f"On {len(model.records)} records, names held out"
    return [
        show.table((head, "most probable", f"drawn at {model.temperature:g}"), rows),
        examples(model),
        shared.example_map(model.result, named(model, 200)),
    ]


def examples(model):
    """Records, each with the most probable sentence and some that were drawn; a mark behind each."""
    lines = []
    for n, record in enumerate(model.records[:EXAMPLES]):
        fields = {**record, "name": record["name"].title()} if "name" in record else record
        lines += ["", "record  " + "  ".join(f"{field}: {value}" for field, value in fields.items())]
        for label, sentences in zip(("best", *["drawn"] * 3), (model.result.said, *model.drawn)):
            wrong = "; ".join(faults(record, sentences[n]))
            verdict = f"{show.mark(False)} ({wrong})" if wrong else show.mark(True)
            lines.append(f"{label:<6}  {written(sentences[n][:40])} {verdict}")
    return "\n".join(lines[1:])


def named(model, count=6):
    """Numbers of a few records with a name, the longest sources first."""
    return [n for n in shared.longest(model.result.pairs, 200) if "name" in model.records[n]][:count]


if __name__ == "__main__":
    shared.run(main)
