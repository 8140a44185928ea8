"""A story, a question, an answer: attention beside the fixed vector. Run `python -m demos.answer`.

The language and its rules are in stories.py. Both models have the same encoder, see the same
stories in the same order and take the same number of steps. The encoder reads one way and the question comes
last: while it reads a fact it cannot know what will be asked. All figures are on stories that never occur in
training.
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.seq2seq import parameter_count
from numpy_seq2seq.training import evaluate

from ..shared.options import add_common_options, finish, parser, percent, random_streams, run, settle_options
from ..shared.fit import BATCH, Run, fit, in_turn
from .stories import LONGEST, SHORTEST, draw_stories, vocabulary_words

READS, WRITES = map(Vocabulary, vocabulary_words())
EMBEDDING, WARMUP = 32, 100
THIRD = LONGEST // 3
GROUP, LONG_GROUPS = 200, 4  # held-out stories: a group of each length, more where near and far are compared


class Result(NamedTuple):
    """One trained model, and how it does on held-out stories."""

    run: Run
    stories: list
    said: list  # its answer to each
    tokens: list  # and with EOS, as the map has rows
    weights: list  # of each (T, S), or None where nothing attends
    loss: float
    token_accuracy: float

    @property
    def right(self):
        """(N,) boolean."""
        return np.array([said == story.answer for said, story in zip(self.said, self.stories)])


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    given = read_options(arguments)
    decoders = dict.fromkeys([given.decoder, "fixed"])
    results = in_turn(lambda decoder, beside: train_one(decoder, given, beside), decoders, given)
    finish(given, report(results), as_json(given.seed, results), lambda: page(results[0]))
    return 0


def read_options(arguments):
    options = parser(
        "answer",
        f"Read a story of {SHORTEST} to {LONGEST} facts and answer a question: who is where, what is held.\n"
        "The latest fact wins, and the others distract. Trains two models with the same encoder on the same\n"
        "stories: one whose decoder attends, and one that gets the encoder's last state and nothing else.\n"
        "Then shows how far back each can look, on stories that never occur in training. Takes three to\n"
        "four minutes.",
        "Ctrl-C ends the training and shows what there is.",
    )
    add_common_options(options, seed=0, steps=5000, hidden=64, cell="lstm", decoder="luong", score=None,
                       html="attention maps")
    given = options.parse_args(arguments)
    settle_options(given)
    return given


def draw_batch(rng):
    """BATCH training stories of one length, so that little is padding."""
    return as_batch(draw_stories(rng, BATCH, int(rng.integers(SHORTEST, LONGEST + 1))))


def as_batch(stories):
    return make_batch([(story.source, [story.answer]) for story in stories], READS, WRITES)


def train_one(decoder, given, beside=""):
    """Train one model and evaluate it; the same seed gives every model the same stories."""
    attends = DECODERS[decoder].attends
    score = given.score if attends else None
    config = Config(len(READS), len(WRITES), EMBEDDING, given.hidden, given.cell, decoder, score)
    more = 1 if given.quick else LONG_GROUPS
    lengths = [n for n in range(SHORTEST, LONGEST + 1) for _ in range(more if n > LONGEST - THIRD else 1)]
    kept = random_streams(given.seed, 3)[2]
    groups = [draw_stories(kept, GROUP // 10 if given.quick else GROUP, n, held_out=True) for n in lengths]
    glance = None if given.quick else as_batch(groups[-1])
    trained = fit(
        "attention" if attends else f"{decoder} vector", config, draw_batch, given.steps, given,
        glance=glance, warmup=WARMUP, vocabularies=(READS, WRITES), beside=beside,
    )  # fmt: skip
    return examine(trained, groups)


def examine(trained, groups):
    """A Result from a Run and lists of held-out stories, each list of one length."""
    seen = [evaluate(trained.params, trained.config, as_batch(stories)) for stories in groups]
    rows = [row for e in seen for row in e.tokens]
    weights = [w for e in seen if e.weights is not None for w in e.weights] or None
    loss, accuracy = (float(np.average([getattr(e, name) for e in seen], weights=list(map(len, groups))))
                      for name in ("loss", "token_accuracy"))
    tokens = [WRITES.decode(row) for row in rows]
    return Result(trained, sum(groups, []), list(map(" ".join, tokens)), tokens, weights, loss, accuracy)


# ---- figures -----------------------------------------------------------------------------------------------


def exact_by_length(result):
    """dict: number of facts -> share of answers that are right."""
    lengths, _ = _lengths_and_distances(result)
    return {int(n): float(result.right[lengths == n].mean()) for n in np.unique(lengths)}


def exact_by_distance(result):
    """dict: facts after the deciding one -> share of right answers, in the longest stories.

    In those alone: over all lengths the far facts would be those of the long stories, and length would pass for
    distance.
    """
    lengths, distances = _lengths_and_distances(result)
    rows = lengths == LONGEST
    return {int(d): float(result.right[rows & (distances == d)].mean()) for d in np.unique(distances[rows])}


def near_and_far(result):
    """Share right where fewer than THIRD facts came after the deciding one; where at least 2 THIRD did.

    Each is a mean over the lengths that have both, length by length, so that length cannot pass for distance.
    """
    lengths, distances = _lengths_and_distances(result)
    shares = []
    for n in np.unique(lengths[distances >= LONGEST - THIRD]):
        of = [(lengths == n) & part for part in (distances < THIRD, distances >= LONGEST - THIRD)]
        shares.append([result.right[rows].mean() for rows in of])
    return tuple(np.mean(shares, axis=0).tolist())


def _lengths_and_distances(result):
    return np.array([(len(story.facts), story.distance) for story in result.stories]).T


def weight_by_fact(story, weights):
    """(facts + 1,) weight that the answer's step puts on each fact, and on the question."""
    ends = np.cumsum([0, *map(len, story.sentences)])
    return np.add.reduceat(weights[0, : len(story.source) + 1], ends)


def peaks(result):
    """On the longest stories: share whose largest word weight is in the deciding fact; its mean weight."""
    both = [(s, w) for s, w in zip(result.stories, result.weights) if len(s.facts) == LONGEST]
    on_decisive = [weight_by_fact(s, w)[s.decisive] for s, w in both]
    largest = [weight_by_fact(s, w == w.max(axis=1, keepdims=True))[s.decisive] > 0 for s, w in both]
    return float(np.mean(largest)), float(np.mean(on_decisive))


def figures(result):
    """What one model reached, as a dict for tables and JSON."""
    return {
        "decoder": result.run.config.decoder,
        "score": result.run.config.score,
        "parameters": parameter_count(result.run.params),
        "steps": result.run.steps,
        "seconds": result.run.seconds,
        "seconds_to_99": result.run.seconds_to_99,
        "loss": result.loss,
        "token_accuracy": result.token_accuracy,
        "exact_match": float(result.right.mean()),
        "exact_by_length": exact_by_length(result),
        "exact_by_distance": exact_by_distance(result),
        "near_and_far": near_and_far(result),
        "peak_on_deciding_fact": None if result.weights is None else peaks(result)[0],
    }


def as_json(seed, results):
    """The first model's figures, and those of the model beside it under its decoder's name."""
    first, *others = map(figures, results)
    return {"task": "answer", "seed": seed, **first, **{f["decoder"]: f for f in others}}


# ---- what a person sees ------------------------------------------------------------------------------------


def report(results):
    """Everything about the models as text, the same examples for each."""
    parts = [summary(results), examples(results), lengths(results), distances(results)]
    if results[0].weights is not None:
        parts.append(story_map(results[0], far_story(results[0])))
    return "\n\n".join(["", *parts, conclusions(results)])


def summary(results):
    shown = list(map(figures, results))
    rows = [
        ("parameters", *(f"{f['parameters']:,}" for f in shown)),
        ("training steps", *(f["steps"] for f in shown)),
        ("seconds", *(f"{f['seconds']:.1f}" for f in shown)),
        ("right answers", *(f"{f['exact_match']:.1%}" for f in shown)),
        (f"of {LONGEST} facts", *(f"{f['exact_by_length'][LONGEST]:.1%}" for f in shown)),
        ("loss, nats per token", *(f"{f['loss']:.4f}" for f in shown)),
    ]
    head = f"On {len(results[0].stories):,} held-out stories"
    return show.table((head, *(r.run.name for r in results)), rows)


def examples(results):
    """Stories from their deciding fact on: the answer that is wanted, and what each model says."""
    lines, first = [], {}
    for n, story in enumerate(results[0].stories):
        first.setdefault(len(story.facts), n)
    for n in list(first.values())[::2]:
        story = results[0].stories[n]
        told = [" ".join(s) for s in story.sentences[story.decisive :]]
        if len(told) > 3:
            told[1:-1] = [f"({len(told) - 2} facts)"]
        if story.decisive:
            told.insert(0, f"({story.decisive} facts)" if story.decisive > 1 else "(1 fact)")
        said = (f"{r.run.name} {r.said[n]} {'✓' if r.said[n] == story.answer else '✗'}" for r in results)
        lines.append(f"src  {' '.join([*told, *story.asked])}\nwant {story.answer}   got: {'   '.join(said)}")
    return "\n".join(lines)


def lengths(results):
    shares = [exact_by_length(r) for r in results]
    rows = [(r.run.name, *map(percent, share.values())) for r, share in zip(results, shares)]
    return show.table(("Right answers by number of facts", *shares[0]), rows)


def distances(results):
    shares = [exact_by_distance(r) for r in results]
    rows = [(d, *(f"{show.fit(show.bar(s[d]), 20)} {percent(s[d]):>5}" for s in shares)) for d in shares[0]]
    head = ("facts since", *(show.fit(r.run.name, 26) for r in results))
    title = f"Right answers by how many facts came after the deciding one, stories of {LONGEST} facts\n"
    return title + show.table(head, rows)


def far_story(result):
    """Number of a long held-out story whose deciding fact lies far back, with outdated ones before it."""
    return max(range(len(result.stories)), key=lambda n: _interest(result.stories[n]))


def _interest(story):
    return len(story.facts), min(len(story.outdated), 2), story.distance


def story_map(result, n):
    """One story, a fact on each line, with the weight that the answer's step puts on it."""
    story = result.stories[n]
    told = [*(" ".join(s) for s in story.sentences), " ".join(story.asked)]
    rows = [
        (text, f"{show.fit(show.bar(w), 20)} {w:4.0%}", "  ← decides" if k == story.decisive else "")
        for k, (text, w) in enumerate(zip(told, weight_by_fact(story, result.weights[n])))
    ]
    head = (f"Where it looks as it answers {result.said[n]!r}", "weight" + " " * 19, "")
    return "\n".join(line.rstrip() for line in show.table(head, rows).splitlines())


def conclusions(results):
    """What the figures of this run say, whichever way they fall."""
    lines = []
    for result in results:
        exact = exact_by_length(result)
        few, many = exact[SHORTEST], exact[LONGEST]
        near, far = near_and_far(result)
        by_length, by_distance = _trend(few, many), _trend(near, far)
        few, many, near, far = map(percent, (few, many, near, far))
        lines += [
            f"{result.run.name.capitalize()}: {exact[LONGEST]:.1%} right at {LONGEST} facts.",
            f"  It {by_length} with the number of facts: {few} right of {SHORTEST}, {many} of {LONGEST}.",
            f"  It {by_distance} with the distance, at equal length: {near} where one of the latest {THIRD} facts "
            f"decides,\n  {far} where {LONGEST - THIRD} or more came later.",
        ]
        if result.weights is not None:
            share, mean = peaks(result)
            lines.append(
                f"  The map has its peak on the deciding fact in {share:.1%} of these stories; "
                f"{mean:.0%} of all weight lies there."
            )
    return "\n".join(lines)


def _trend(before, after):
    return "falls" if before - after >= 0.05 else "rises" if after - before >= 0.05 else "hardly changes"


def page(result):
    """A few held-out stories of growing length as a page with sliders."""
    config, found = result.run.config, []
    for n in (0, len(result.stories) // 4, len(result.stories) // 2, far_story(result)):
        story, output = result.stories[n], result.tokens[n]
        source, output = [*story.source, show.EOS_SIGN], [*output, show.EOS_SIGN][: len(result.weights[n])]
        found.append((source, output, result.weights[n][: len(output), : len(source)]))
    right = result.right.mean()
    note = (
        f"{config.cell}, {config.decoder}, {config.score}; {result.run.steps} steps; {right:.1%} right on "
        "held-out stories. The first step writes the answer: the shade shows which fact it looks at."
    )
    return show.attention_page("Attention on stories", note, found)


if __name__ == "__main__":
    run(main)
