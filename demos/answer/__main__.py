"""A story of facts, a question, an answer: `python -m demos.answer`.

    mary reached paris . john took salt . mary visited rome . where is mary ?   ->   rome

The latest fact decides, the others distract; stories.py has the rules. Two models with the same encoder
see the same stories in the same order and take the same number of steps: the decoder of one attends, the
other's gets the encoder's last state and nothing else. The encoder reads one way and the question comes
last: while it reads a fact it cannot know what will be asked. Both are shown on stories that never occur in
training. Takes three to four minutes.
"""

import numpy as np

from numpy_seq2seq import Vocabulary, make_batch, show

from .. import shared
from ..shared import Claim
from .stories import LONGEST, SHORTEST, draw_stories, vocabulary_words

READS, WRITES = map(Vocabulary, vocabulary_words())
WARMUP = 100
THIRD = LONGEST // 3
GROUP, LONG_GROUPS = 200, 4  # held-out stories: a group of each length, more where near and far are compared


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    options = read_options(arguments)
    stories, results = train(options)
    far = far_story(stories)
    numbers, parts = (*range(0, len(stories), len(stories) // 4), far), report(stories, results, far)
    return shared.conclude("answer", options, parts, results, claimed(results), numbers)


def read_options(arguments):
    command = shared.parser("answer", __doc__)
    shared.add_common_options(command, seed=0, steps=5000, hidden=64, html="attention maps")
    shared.add_model_options(command)
    return shared.settle_options(command.parse_args(arguments))


def train(options):
    """Train both models and ask them about held-out stories; returns the stories and a list of Result."""
    kept, stories = shared.held_out_stream(options.seed), []
    for length in range(SHORTEST, LONGEST + 1):
        count = GROUP * (LONG_GROUPS if length > LONGEST - THIRD and not options.quick else 1)
        stories += draw_stories(kept, count // 10 if options.quick else count, length, held_out=True)
    sample = pairs_of(stories[-20:] if options.quick else stories[-GROUP:])
    runs = shared.fit_each(shared.with_and_without_attention(options), draw_batch, options, (READS, WRITES),
                           {"task": "answer"}, sample=sample, warmup=WARMUP)
    results = [shared.judge(run, pairs_of(stories)) for run in runs]
    return stories, [result._replace(more=figures(stories, result)) for result in results]


def draw_batch(rng):
    """One training batch, its stories of one length, so that little is padding."""
    length = int(rng.integers(SHORTEST, LONGEST + 1))
    return make_batch(pairs_of(draw_stories(rng, shared.BATCH, length)), READS, WRITES)


def pairs_of(stories):
    return [(story.source, [story.answer]) for story in stories]


# ---- figures -----------------------------------------------------------------------------------------------


def figures(stories, result):
    """What one model reached, beside the usual figures."""
    lengths = np.array([len(story.facts) for story in stories])
    distances = np.array([story.distance for story in stories])
    peak, weight = (None, None) if result.maps is None else peaks(stories, result.maps)
    longest = lengths == LONGEST  # over all lengths, length would pass for distance
    return {
        "exact_by_length": shared.by_group(result.right, lengths.tolist()),
        "exact_by_distance": shared.by_group(result.right[longest], distances[longest].tolist()),
        "near_and_far": near_and_far(result.right, lengths, distances),
        "peak_on_deciding_fact": peak,
        "weight_on_deciding_fact": weight,
    }


def near_and_far(right, lengths, distances):
    """Share right where fewer than THIRD facts came after the deciding one; where at least 2 THIRD did.

    Each is a mean over the lengths that have both, length by length, so that length cannot pass for distance.
    """
    shares = []
    for n in np.unique(lengths[distances >= LONGEST - THIRD]):
        of = [(lengths == n) & part for part in (distances < THIRD, distances >= LONGEST - THIRD)]
        shares.append([right[rows].mean() for rows in of])
    return tuple(np.mean(shares, axis=0).tolist())


def weight_by_fact(story, weights):
    """(facts + 1,) weight that the answer's step puts on each fact, and on the question."""
    ends = np.cumsum([0, *map(len, story.sentences)])
    return np.add.reduceat(weights[0, : len(story.source) + 1], ends)


def peaks(stories, maps):
    """On the longest stories: share whose largest word weight is in the deciding fact; its mean weight."""
    both = [(s, w) for s, w in zip(stories, maps) if len(s.facts) == LONGEST]
    on_decisive = [weight_by_fact(s, w)[s.decisive] for s, w in both]
    largest = [weight_by_fact(s, w == w.max(axis=1, keepdims=True))[s.decisive] > 0 for s, w in both]
    return float(np.mean(largest)), float(np.mean(on_decisive))


def claimed(results):
    """What this run should show of each model, each with its threshold."""
    for result in results:
        name, attends, f = result.run.name, result.maps is not None, result.more
        few, many = f["exact_by_length"][SHORTEST], f["exact_by_length"][LONGEST]
        yield Claim(f"{name}: right answers, {LONGEST} facts", many, 0.95 if attends else 0.5, not attends)
        if attends:
            yield Claim(f"{name}: peak of the map on the deciding fact", f["peak_on_deciding_fact"], 0.9)
        else:
            yield Claim(f"{name}: right answers lost from {SHORTEST} facts to {LONGEST}", few - many, 0.1)
        near, far = f["near_and_far"]
        yield Claim(f"{name}: near facts and far facts, equal length, differ by", abs(near - far), 0.1, True)


# ---- what a person sees ------------------------------------------------------------------------------------


def report(stories, results, far):
    """Both models as text, the same examples for each."""
    first = {len(story.facts): n for n, story in reversed(list(enumerate(stories)))}
    numbers = sorted(first.values())[::2]
    title = f"Right answers by how many facts came after the deciding one, stories of {LONGEST} facts"
    third = f"{THIRD - 1} at most", f"{LONGEST - THIRD} or more"
    return [
        shared.summary(f"On {len(stories):,} held-out stories", results),
        shared.long_examples(results, numbers, (short(stories[n]) for n in numbers)),
        shared.shares("Right answers by number of facts", results, "exact_by_length"),
        shared.bars(title, "facts since", results, "exact_by_distance"),
        shared.shares("By facts since, at equal length", results, "near_and_far", third),
        story_map(stories[far], results[0], far),
    ]


def short(story):
    """The words of a story from its deciding fact on; how many facts are left out stands in their place."""
    told = [" ".join(s) for s in story.sentences[story.decisive :]]
    if len(told) > 3:
        told[1:-1] = [f"({len(told) - 2} facts)"]
    before = [f"({story.decisive} fact{'s' * (story.decisive > 1)})"] if story.decisive else []
    return " ".join([*before, *told, *story.asked])


def far_story(stories):
    """Number of a long held-out story whose deciding fact lies far back, with outdated ones before it."""

    def interest(n):
        return len(stories[n].facts), min(len(stories[n].outdated), 2), stories[n].distance

    return max(range(len(stories)), key=interest)


def story_map(story, result, n):
    """One story, a fact on each line, with the weight that the answer's step puts on it."""
    if result.maps is None:
        return shared.NO_MAP
    told = [*(" ".join(s) for s in story.sentences), " ".join(story.asked)]
    rows = [
        (text, f"{show.fit(show.bar(w), 20)} {w:4.0%}", "  ← decides" if k == story.decisive else "")
        for k, (text, w) in enumerate(zip(told, weight_by_fact(story, result.maps[n])))
    ]
    head = (f"Where it looks as it answers {' '.join(result.said[n])!r}", "weight" + " " * 19, "")
    return "\n".join(line.rstrip() for line in show.table(head, rows).splitlines())


if __name__ == "__main__":
    shared.run(main)
