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

import numpy as np

from numpy_seq2seq import Config, Vocabulary, generate_sample, make_batch, make_source, show

from .. import shared
from ..shared import Claim
from .records import draw_records, draw_sentence, facts, faults, source_tokens, vocabularies, written

READS, WRITES = map(Vocabulary, vocabularies())
EMBEDDING = 32
HELD_OUT, DRAWS, EXAMPLES = 500, 10, 3
FIGURES = (  # label, name, form
    *shared.TRAINING,
    ("every field once, nothing else", "right", "{:.1%}"),
    ("names copied", "names_copied", "{:.1%}"),
    (f"right phrasings in {DRAWS} sentences", "phrasings", "{:.1f}"),
)


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    records, result, drawn = train(options)
    found = figures(records, result.said, drawn)
    result = result._replace(more={**found, "temperature": options.temperature})
    named = [n for n in shared.longest(result.pairs, 200) if "name" in records[n]]
    columns = {"most probable": shared.figures(result), f"drawn at {options.temperature:g}": found["drawn"]}
    faulty = [(f"fault: {fault}", f"faults.{fault}", "{} times")
              for fault, _ in found["drawn"]["faults"].most_common(3)]
    parts = [
        shared.figure_table(f"On {len(records)} records, names held out", columns, (*FIGURES, *faulty)),
        examples(records, result.said, drawn),
        shared.example_map(result, named),
    ]
    return shared.conclude("describe", options, parts, [result], claimed(found["drawn"]), named[:6])


def read_options(arguments):
    command = shared.parser("describe", __doc__)
    shared.add_common_options(command, seed=0, steps=1500, hidden=128, cell="gru", html="attention maps")
    said = "of the drawn sentences: towards 0 the most probable one"
    shared.add_option(command, "temperature", "T", float, said, 0.7)
    options = shared.settle_options(command.parse_args(arguments))
    if not 0 < options.temperature < np.inf:
        raise ValueError(f"--temperature must be positive and finite, got {options.temperature}")
    return options


def train(options):
    """Train the model and let it describe held-out records.

    Returns:
        records.
        result: the most probable words, beside one drawn sentence for each record.
        drawn:  DRAWS lists of sentences, drawn at the temperature.
    """
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
    return records, shared.judge(run, pairs_of(rng, records)), drawn


def pairs_of(rng, records):
    """Records, each with one of its right sentences."""
    return [(source_tokens(record), draw_sentence(rng, record)) for record in records]


# ---- figures -----------------------------------------------------------------------------------------------


def figures(records, said, drawn):
    """What the model reached, beside the usual figures: in the most probable words, and as drawn."""
    of = [reached(records, sentences) for sentences in drawn]
    asked = [(record, tokens) for sentences in drawn for record, tokens in zip(records, sentences)]
    faulty = Counter(kind(fault) for record, tokens in asked for fault in faults(record, tokens))
    means = {name: float(np.mean([one[name] for one in of])) for name in of[0]}
    return {
        **reached(records, said),
        "drawn": {**means, "phrasings": phrasings(records, drawn), "draws": DRAWS, "faults": faulty},
    }


def reached(records, sentences):
    """Shares of sentences that mention every field exactly once and nothing else, and of names that stand
    in their sentence letter for letter."""
    both = list(zip(records, sentences))
    names = [("name", record["name"]) in facts(tokens)[0] for record, tokens in both if "name" in record]
    right = [not faults(record, tokens) for record, tokens in both]
    return {"right": float(np.mean(right)), "names_copied": float(np.mean(names))}


def phrasings(records, drawn):
    """How many different right sentences the draws of one record are, on average."""
    counts = [len({tuple(tokens) for tokens in sentences if not faults(record, tokens)})
              for record, *sentences in zip(records, *drawn)]
    return float(np.mean(counts))


def kind(fault):
    """'city is Oslo, not Rome' to 'city: another one'; other faults stay."""
    return f"{fault.split()[0]}: another one" if ", not " in fault else fault


def claimed(drawn):
    """What this run should show, each with its threshold."""
    yield Claim("drawn sentences that say every field once and nothing else", drawn["right"], 0.95)
    yield Claim("names never seen in training that are copied letter for letter", drawn["names_copied"], 0.98)
    yield Claim(f"different right sentences in {DRAWS} of a record", drawn["phrasings"], 3, form="{:.1f}")


# ---- what a person sees ------------------------------------------------------------------------------------


def examples(records, said, drawn):
    """Records, each with the most probable sentence and some that were drawn; a mark behind each."""
    lines = []
    for n, record in enumerate(records[:EXAMPLES]):
        fields = {**record, "name": record["name"].title()} if "name" in record else record
        lines += ["", "record  " + "  ".join(f"{field}: {value}" for field, value in fields.items())]
        for label, sentences in zip(("best", *["drawn"] * 3), (said, *drawn)):
            wrong = "; ".join(faults(record, sentences[n]))
            verdict = f"{show.mark(False)} ({wrong})" if wrong else show.mark(True)
            lines.append(f"{label:<6}  {written(sentences[n][:40])} {verdict}")
    return "\n".join(lines[1:])


if __name__ == "__main__":
    shared.run(main)
