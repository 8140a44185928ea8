"""English to Korean, sentences of 4 to 25 words, with a known alignment: `python -m demos.translate`.

Subject, verb, object become subject, object, verb; particles depend on the last letter of the noun before
them; negation, adjectives, clauses joined by and, but: korean.py has the rules. Two models with the same
encoder see the same sentences in the same order and take the same number of steps: the decoder of one
attends, the other's gets the encoder's last state and nothing else. Both are compared on sentences that
never occur in training: some of combinations of words that do occur there, the others with at least one
that does not. Where the first model looks is compared with the true alignment. Takes about two minutes.

In training 7 of 10 words that the decoder is told are hidden (UNK), from both models alike. Otherwise it
chooses between 은 and 는 by the word it has just written, and need not look at the noun: it would translate
as well, but its largest weight would often lie elsewhere. For the same reason the attending decoder starts
from zeros. Source: Bowman et al. (2016), section 3.1, "word dropout".
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Config, Vocabulary, make_batch
from numpy_seq2seq.data import UNK
from numpy_seq2seq.seq2seq import seq2seq_forward

from .. import shared
from ..shared import Claim, Result
from ..shared.metrics import alignment_error_rate, alignment_links, bleu
from .hangul import PARTICLES, romanize
from .korean import SETS, draw_translations, vocabularies

READS, WRITES = map(Vocabulary, vocabularies())
HIDDEN_WORDS = 0.7
HELD_OUT, EXAMPLES = 600, 4
LENGTHS = ((4, 7), (8, 11), (12, 15), (16, 19), (20, 25))  # English words


class Examined(NamedTuple):
    """A model on one set of held-out sentences."""

    sentences: list  # of Translation
    result: Result
    links: list | None  # of each sentence, told the right words: (target place, source place)


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    models = train(options)  # of each the new sentences, and the new combinations
    found = [{**figures(new), "combinations": figures(unseen)} for new, unseen in models]
    results, claims = [sentences.result for sentences, _ in models], list(claimed(models, found))
    numbers = shared.longest(results[0].pairs, 4)
    parts = report(results, found)
    return shared.conclude("translate", options, parts, results, found, claims, numbers, spoken)


def read_options(arguments):
    command = shared.parser("translate", __doc__)
    shared.add_common_options(command, seed=0, steps=800, hidden=128, html="attention maps")
    shared.add_model_options(command, "bahdanau", cell="gru", score="additive", directions=2,
                             embedding_size=64, attention_only=True)
    return shared.settle_options(command.parse_args(arguments))


def train(options):
    """Train both models; returns of each a list of Examined, one for each held-out set."""
    V, W, H = len(READS), len(WRITES), options.hidden
    models = shared.with_and_without_attention(options)
    configs = {name: Config(V, W, hidden_size=H, **choices) for name, choices in models.items()}
    kept, count = shared.held_out_stream(options.seed), HELD_OUT // 10 if options.quick else HELD_OUT
    held_out = [draw_translations(kept, count, which) for which in SETS[1:]]
    runs = shared.fit_each(configs, draw_batch, options, (READS, WRITES), {"task": "translate"},
                           sample=pairs_of(held_out[0][: shared.BATCH]))
    return [[examine(run, sentences) for sentences in held_out] for run in runs]


def pairs_of(sentences):
    return [(sentence.source, sentence.target) for sentence in sentences]


def draw_batch(rng):
    """One training batch, some of its inputs hidden; BOS never is."""
    batch = make_batch(pairs_of(draw_translations(rng, shared.BATCH)), READS, WRITES)
    hidden = (rng.random(batch.inputs.shape) < HIDDEN_WORDS) & batch.target_mask
    hidden[:, 0] = False
    return batch._replace(inputs=np.where(hidden, UNK, batch.inputs))


def examine(run, sentences):
    """A model on held-out sentences. It chooses its words itself; its links are of the right words."""
    pairs, links = pairs_of(sentences), None
    _, weights, _ = seq2seq_forward(make_batch(pairs, READS, WRITES), run.params, run.config)
    if weights is not None:
        links = [alignment_links(w[: len(s.target), : len(s.source) + 1]) for s, w in zip(sentences, weights)]
    return Examined(sentences, shared.judge(run, pairs), links)


# ---- figures -----------------------------------------------------------------------------------------------


def figures(examined):
    """The figures on one held-out set, as a dict for tables and JSON."""
    groups = [next((a, b) for a, b in LENGTHS if len(s.source) <= b) for s in examined.sentences]
    by_length = shared.by_group(examined.result, groups)
    return {
        **shared.figures(examined.result),
        "bleu": bleu(examined.result.said, [s.target for s in examined.sentences]),
        "exact_by_length": {f"{a}-{b}": share for (a, b), share in by_length.items()},
        "alignment_error_rate": None if examined.links is None else error_rate(examined),
        "particles_on_nouns": None if examined.links is None else particles_on_nouns(examined),
        "crossings": None if examined.links is None else crossings(examined),
    }


def error_rate(examined):
    """Alignment error rate; EOS, which comes from no word, has no link."""
    answers = [
        [{(t, s) for t, places in enumerate(which) for s in places} for which in (x.sure, x.possible)]
        for x in examined.sentences
    ]
    return alignment_error_rate(examined.links, *zip(*answers))


def particles_on_nouns(examined):
    """dict: "은/는" … -> share of these particles whose largest weight lies on their noun."""
    hits = {"/".join(dict.fromkeys(forms)): [] for forms in PARTICLES.values()}
    names = {form: name for name in hits for form in name.split("/")}
    for x, links in zip(examined.sentences, examined.links):
        for t in range(1, len(x.target)):
            if x.target[t] in names and x.sure[t] == x.sure[t - 1]:  # else a noun that looks like one
                hits[names[x.target[t]]].append((t, x.sure[t][0]) in links)
    return {name: float(np.mean(found)) for name, found in hits.items() if found}


def crossings(examined):
    """Over how many other links that of the last verb crosses, on average, in sentences of one clause."""
    counts = []
    for x, links in zip(examined.sentences, examined.links):
        if not {"and", "but"} & set(x.source):
            place = dict(links)
            counts.append(sum(place[t] > place[len(x.target) - 1] for t in range(len(x.target) - 1)))
    return float(np.mean(counts))


def claimed(models, found):
    """What this run should show, each with its threshold."""
    for (sentences, _), f in zip(models, found):
        name, (length, share) = sentences.result.run.name, list(f["exact_by_length"].items())[-1]
        if sentences.links is None:
            yield Claim(f"{name}: sentences of {length} words that are right", share, 0.1, at_most=True)
            continue
        new, particles = f["combinations"], f["particles_on_nouns"]
        yield Claim(f"{name}: sentences of {length} words that are right", share, 0.95)
        yield Claim(f"{name}: sentences with unseen combinations that are right", new["exact_match"], 0.95)
        yield Claim(f"{name}: alignment error rate", f["alignment_error_rate"], 0.15, at_most=True)
        yield Claim(f"{name}: 은 and 는 whose largest weight is on their noun", particles["은/는"], 0.9)
        yield Claim(f"{name}: links crossed by that of the verb, one clause", f["crossings"], 2, form="{:.1f}")


# ---- what a person sees ------------------------------------------------------------------------------------


def report(results, found):
    """Both models as text, the same examples for each."""
    unseen, pairs = [f["combinations"] for f in found], results[0].pairs
    numbers = shared.short_to_long(pairs, EXAMPLES)
    rows = [("BLEU", *(f"{f['bleu']:.3f}" for f in found)), ("alignment error", *map(alignment_error, found))]
    rows += [
        ("new combinations: exact match", *(f"{f['exact_match']:.2%}" for f in unseen)),
        ("new combinations: BLEU", *(f"{f['bleu']:.3f}" for f in unseen)),
        ("new combinations: alignment error", *map(alignment_error, unseen)),
    ]
    return [
        shared.summary(f"On 2 × {len(pairs)} held-out sentences", results, rows),
        shared.shares("Exact match by English words", results, [f["exact_by_length"] for f in found]),
        shared.shares("Particles that look at their noun", results[:1], [found[0]["particles_on_nouns"]]),
        shared.long_examples(results, numbers, (" ".join(pairs[n][0]) for n in numbers), with_sound),
        shared.example_map(results[0], shared.longest(pairs, 200), spoken),
    ]


def alignment_error(found):
    share = found["alignment_error_rate"]
    return "-" if share is None else f"{share:.1%}"


def with_sound(tokens):
    """Korean tokens as text, and romanised in a second line."""
    return f"{' '.join(tokens)}\n      {romanize(' '.join(tokens))}"


def spoken(token):
    """A Korean token with its sound beside it."""
    return f"{token} {romanize(token)}"


if __name__ == "__main__":
    shared.run(main)
