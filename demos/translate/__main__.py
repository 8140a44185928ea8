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
from zeros. A Transformer decoder keeps no state: what it has written so far it knows from these words alone.
There 3 of 10 are hidden; with 7 it gets 2 to 6 more of 100 unseen combinations wrong. Source: Bowman et al.
(2016), section 3.1, "word dropout".
"""

from functools import partial

import numpy as np

from numpy_seq2seq import Vocabulary, make_batch
from numpy_seq2seq.data import UNK
from numpy_seq2seq.seq2seq import seq2seq_forward

from .. import shared
from ..shared import Claim
from ..shared.metrics import alignment_error_rate, alignment_links, bleu
from .hangul import PARTICLES, romanize
from .korean import SETS, draw_translations, vocabularies

READS, WRITES = map(Vocabulary, vocabularies())
HIDDEN_WORDS, OF_A_TRANSFORMER = 0.7, 0.3
HELD_OUT, EXAMPLES = 600, 4
LENGTHS = ((4, 7), (8, 11), (12, 15), (16, 19), (20, 25))  # English words
FIGURES = (  # label, name, form
    ("BLEU", "bleu", "{:.3f}"),
    ("alignment error", "alignment_error_rate", "{:.1%}"),
    ("new combinations: exact match", "combinations.exact_match", "{:.2%}"),
    ("new combinations: BLEU", "combinations.bleu", "{:.3f}"),
    ("new combinations: alignment error", "combinations.alignment_error_rate", "{:.1%}"),
)


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    results = train(options)
    parts, numbers = report(results), shared.longest(results[0].pairs, 4)
    return shared.conclude("translate", options, parts, results, claimed(results), numbers, spoken)


def read_options(arguments):
    command = shared.parser("translate", __doc__)
    shared.add_common_options(command, seed=0, steps=800, hidden=128, html="attention maps")
    shared.add_model_options(command, "bahdanau", cell="gru", score="additive", directions=2,
                             embedding_size=64, attention_only=True)
    return shared.settle_options(command.parse_args(arguments))


def train(options):
    """Train both models and ask them for held-out sentences; returns a list of Result."""
    kept, count = shared.held_out_stream(options.seed), HELD_OUT // 10 if options.quick else HELD_OUT
    sentences, unseen = (draw_translations(kept, count, which) for which in SETS[1:])
    hidden = OF_A_TRANSFORMER if options.decoder == "transformer" else HIDDEN_WORDS
    runs = shared.fit_each(shared.with_and_without_attention(options), partial(draw_batch, hidden=hidden),
                           options, (READS, WRITES), {"task": "translate"},
                           sample=pairs_of(sentences[: shared.BATCH]))
    results = []
    for run in runs:
        result, beside = examine(run, sentences), examine(run, unseen)
        results.append(result._replace(more={**result.more, "combinations": shared.figures(beside)}))
    return results


def pairs_of(sentences):
    return [(sentence.source, sentence.target) for sentence in sentences]


def draw_batch(rng, hidden=HIDDEN_WORDS):
    """One training batch, this share of its inputs hidden; BOS never is."""
    batch = make_batch(pairs_of(draw_translations(rng, shared.BATCH)), READS, WRITES)
    unseen = (rng.random(batch.inputs.shape) < hidden) & batch.target_mask
    unseen[:, 0] = False
    return batch._replace(inputs=np.where(unseen, UNK, batch.inputs))


def examine(run, sentences):
    """A Result on held-out sentences. It chooses its words itself; its links are of the right words."""
    pairs = pairs_of(sentences)
    result = shared.judge(run, pairs)
    _, weights, _ = seq2seq_forward(make_batch(pairs, READS, WRITES), run.params, run.config)
    if weights is not None:
        weights = [alignment_links(w[: len(t), : len(s) + 1]) for (s, t), w in zip(pairs, weights)]
    return result._replace(more=figures(sentences, result, links=weights))


# ---- figures -----------------------------------------------------------------------------------------------


def figures(sentences, result, links):
    """What one model reached on one held-out set, beside the usual figures.

    Args:
        links: of each sentence, told the right words: a set of (target place, source place). Or None.
    """
    groups = [next((a, b) for a, b in LENGTHS if len(s.source) <= b) for s in sentences]
    by_length = shared.by_group(result.right, groups)
    measured = {"alignment_error_rate": error_rate, "particles_on_nouns": particles_on_nouns,
                "crossings": crossings}
    return {
        "bleu": bleu(result.said, [s.target for s in sentences]),
        "exact_by_length": {f"{a}-{b}": share for (a, b), share in by_length.items()},
        **{name: links and measure(sentences, links) for name, measure in measured.items()},
    }


def error_rate(sentences, links):
    """Alignment error rate; EOS, which comes from no word, has no link."""
    answers = [
        [{(t, s) for t, places in enumerate(which) for s in places} for which in (x.sure, x.possible)]
        for x in sentences
    ]
    return alignment_error_rate(links, *zip(*answers))


def particles_on_nouns(sentences, links):
    """dict: "은/는" … -> share of these particles whose largest weight lies on their noun."""
    hits = {"/".join(dict.fromkeys(forms)): [] for forms in PARTICLES.values()}
    names = {form: name for name in hits for form in name.split("/")}
    for x, found in zip(sentences, links):
        for t in range(1, len(x.target)):
            if x.target[t] in names:
                hits[names[x.target[t]]].append((t, x.sure[t][0]) in found)
    return {name: float(np.mean(hit)) for name, hit in hits.items() if hit}


def crossings(sentences, links):
    """Over how many other links that of the last verb crosses, on average, in sentences of one clause."""
    counts = []
    for x, found in zip(sentences, links):
        if not {"and", "but"} & set(x.source):
            place = dict(found)
            counts.append(sum(place[t] > place[len(x.target) - 1] for t in range(len(x.target) - 1)))
    return float(np.mean(counts))


def claimed(results):
    """What this run should show, each with its threshold."""
    for result in results:
        name, f = result.run.name, result.more
        length, share = list(f["exact_by_length"].items())[-1]
        if f["alignment_error_rate"] is None:
            yield Claim(f"{name}: sentences of {length} words that are right", share, 0.1, at_most=True)
            continue
        new, particles = f["combinations"], f["particles_on_nouns"]
        yield Claim(f"{name}: sentences of {length} words that are right", share, 0.95)
        yield Claim(f"{name}: sentences with unseen combinations that are right", new["exact_match"], 0.95)
        yield Claim(f"{name}: alignment error rate", f["alignment_error_rate"], 0.15, at_most=True)
        yield Claim(f"{name}: 은 and 는 whose largest weight is on their noun", particles["은/는"], 0.9)
        crossed = f"{name}: links crossed by that of the verb, one clause"
        yield Claim(crossed, f["crossings"], 2, form="{:.1f}")


# ---- what a person sees ------------------------------------------------------------------------------------


def report(results):
    """Both models as text, the same examples for each."""
    pairs = results[0].pairs
    numbers = shared.short_to_long(pairs, EXAMPLES)
    return [
        shared.summary(f"On 2 × {len(pairs)} held-out sentences", results, *FIGURES),
        shared.shares("Exact match by English words", results, "exact_by_length"),
        shared.shares("Particles that look at their noun", results[:1], "particles_on_nouns"),
        shared.long_examples(results, numbers, (" ".join(pairs[n][0]) for n in numbers), with_sound),
        shared.example_map(results[0], shared.longest(pairs, 200), spoken),
    ]


def with_sound(tokens):
    """Korean tokens as text, and romanised in a second line."""
    return f"{' '.join(tokens)}\n      {romanize(' '.join(tokens))}"


def spoken(token):
    """A Korean token with its sound beside it."""
    return f"{token} {romanize(token)}"


if __name__ == "__main__":
    shared.run(main)
