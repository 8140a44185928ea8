"""English to Korean with a known alignment: attention beside the fixed vector. `python -m demos.translate`.

The languages and their rules are in korean.py. Both models have the same encoder, see the
same sentences in the same order and take the same number of steps. All figures are on sentences that never
occur in training: some of combinations of words that do occur there, the others with at least one that does
not.

In training 7 of 10 words that the decoder is told are hidden (UNK), from both models alike. Otherwise it
chooses between 은 and 는 by the word it has just written, and need not look at the noun: it would translate
as well, but its largest weight would often lie elsewhere. For the same reason the attending decoder starts
from zeros. Source: Bowman et al. (2016), section 3.1, "word dropout".
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import UNK, Batch, Vocabulary, make_batch
from numpy_seq2seq.seq2seq import parameter_count, seq2seq_forward
from numpy_seq2seq.training import Evaluation, evaluate

from ..shared.options import add_common_options, finish, parser, random_streams, run, settle_options
from ..shared.fit import BATCH, Run, fit, in_turn
from .hangul import PARTICLES, romanize
from .korean import SETS, draw_translations, vocabularies
from ..shared.metrics import alignment_error_rate, alignment_links, bleu

READS, WRITES = map(Vocabulary, vocabularies())
EMBEDDING, HIDDEN_WORDS = 64, 0.7
HELD_OUT, EXAMPLES, COLUMNS, ROWS = 600, 4, 108, 20
LENGTHS = ((4, 7), (8, 11), (12, 15), (16, 19), (20, 25))  # English words
MODELS = {  # the choices in which the models differ
    "attention": {"decoder": "bahdanau", "score": "additive", "attention_only": True},
    "fixed": {"decoder": "fixed"},
}


class Examined(NamedTuple):
    """A model on one set of held-out sentences."""

    sentences: list
    batch: Batch
    evaluation: Evaluation
    links: list | None  # of each sentence, told the right words: (target place, source place)


class Result(NamedTuple):
    """One trained model, and how it does on both held-out sets."""

    run: Run
    sentences: Examined
    combinations: Examined


def main(arguments=None):
    """Train, show, perhaps write; returns the exit status."""
    given = read_options(arguments)
    results = in_turn(lambda name, beside: train_one(name, given, beside), MODELS, given)
    finish(given, report(results), as_json(given.seed, results), lambda: page(results[0]))
    return 0


def read_options(arguments):
    options = parser(
        "translate",
        "Translate English sentences of 4 to 25 words into Korean: subject, verb, object become subject,\n"
        "object, verb; particles depend on the last letter of the noun before them; negation, adjectives,\n"
        "conjoined clauses.\n\n"
        "Trains two models with the same encoder on the same sentences: one whose decoder attends, and one\n"
        "that gets the encoder's last state and nothing else. Then compares both, and where the first one\n"
        "looks with the true alignment. Takes about two minutes.",
        "Ctrl-C ends the training and shows what there is.",
    )
    add_common_options(options, seed=0, steps=800, hidden=128, cell="gru", html="attention maps")
    given = options.parse_args(arguments)
    settle_options(given)
    return given


def train_one(name, given, beside=""):
    """Train one model and examine it; the same seed gives every model the same sentences."""
    sizes = (len(READS), len(WRITES), EMBEDDING, given.hidden)
    config = Config(*sizes, given.cell, directions=2, **MODELS[name])
    kept, count = random_streams(given.seed, 3)[2], HELD_OUT // 10 if given.quick else HELD_OUT
    held_out = [draw_translations(kept, count, which) for which in SETS[1:]]
    label = "attention" if config.decoder != "fixed" else "fixed vector"
    trained = fit(label, config, draw_batch, given.steps, given, glance=make(held_out[0][:BATCH]),
                  vocabularies=(READS, WRITES), beside=beside)
    return Result(trained, *(examine(trained, sentences) for sentences in held_out))


def make(sentences):
    """Sentences to a Batch."""
    return make_batch([(s.source, s.target) for s in sentences], READS, WRITES)


def draw_batch(rng):
    """One training batch, some of its inputs hidden; BOS never is."""
    batch = make(draw_translations(rng, BATCH))
    hidden = (rng.random(batch.inputs.shape) < HIDDEN_WORDS) & batch.target_mask
    hidden[:, 0] = False
    return batch._replace(inputs=np.where(hidden, UNK, batch.inputs))


def examine(trained, sentences):
    """A model on held-out sentences. It chooses its words itself; its links are those of the right words."""
    batch, links = make(sentences), None
    _, weights, _ = seq2seq_forward(batch, trained.params, trained.config)
    if weights is not None:
        links = [alignment_links(w[: len(s.target), : len(s.source) + 1]) for s, w in zip(sentences, weights)]
    return Examined(sentences, batch, evaluate(trained.params, trained.config, batch), links)


# ---- figures -----------------------------------------------------------------------------------------------


def said(examined):
    """What the model says, as lists of tokens."""
    return [WRITES.decode(row) for row in examined.evaluation.tokens]


def exact_by_length(examined):
    """dict: "4-7" … -> share of sentences of so many English words that are entirely right."""
    lengths = np.array([len(s.source) for s in examined.sentences])
    exact = (examined.evaluation.right | ~examined.batch.target_mask).all(axis=1)
    rows = {f"{a}-{b}": (lengths >= a) & (lengths <= b) for a, b in LENGTHS}
    return {name: float(exact[where].mean()) for name, where in rows.items() if where.any()}


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


def figures_of(examined):
    """The figures on one held-out set."""
    evaluation = examined.evaluation
    return {
        "exact_match": evaluation.exact_match,
        "bleu": bleu(said(examined), [x.target for x in examined.sentences]),
        "alignment_error_rate": None if examined.links is None else error_rate(examined),
        "particles_on_nouns": None if examined.links is None else particles_on_nouns(examined),
        "token_accuracy": evaluation.token_accuracy,
        "loss": evaluation.loss,
        "exact_by_length": exact_by_length(examined),
    }


def figures(result):
    """What one model reached, as a dict for tables and JSON."""
    trained = result.run
    return {
        "decoder": trained.config.decoder,
        "score": trained.config.score,
        "parameters": parameter_count(trained.params),
        "steps": trained.steps,
        "seconds": trained.seconds,
        "seconds_to_99": trained.seconds_to_99,
        **figures_of(result.sentences),
        "combinations": figures_of(result.combinations),
    }


def as_json(seed, results):
    """The first model's figures, and those of the model beside it under its decoder's name."""
    first, *others = map(figures, results)
    return {"task": "translate", "seed": seed, **first, **{f["decoder"]: f for f in others}}


# ---- what a person sees ------------------------------------------------------------------------------------


def report(results):
    """Everything about the models as text, the same examples for each."""
    shown = [figures(r) for r in results]
    parts = [summary(results, shown), lengths(results, shown), examples(results), example_map(results[0])]
    return "\n\n".join(["", *parts, conclusions(results, shown)])


def summary(results, shown):
    rows = [
        ("parameters", *(f"{f['parameters']:,}" for f in shown)),
        ("training steps", *(f["steps"] for f in shown)),
        ("seconds", *(f"{f['seconds']:.1f}" for f in shown)),
        ("loss, nats per token", *(f"{f['loss']:.4f}" for f in shown)),
    ]
    for title, pick in (("new sentences", lambda f: f), ("new combinations", lambda f: f["combinations"])):
        rows += [
            (f"{title}: exact match", *(f"{pick(f)['exact_match']:.1%}" for f in shown)),
            (f"{title}: BLEU", *(f"{pick(f)['bleu']:.3f}" for f in shown)),
            (f"{title}: alignment error", *(percent(pick(f)["alignment_error_rate"]) for f in shown)),
        ]
    head = f"On 2 × {len(results[0].sentences.sentences)} held-out sentences"
    return show.table((head, *(r.run.name for r in results)), rows)


def percent(share):
    return "-" if share is None else f"{share:.1%}"


def lengths(results, shown):
    heads = list(shown[0]["exact_by_length"])
    rows = [(r.run.name, *(f"{f['exact_by_length'][n]:.0%}" for n in heads)) for r, f in zip(results, shown)]
    return show.table(("Exact match by English words", *heads), rows)


def examples(results):
    """source, wanted (and how that sounds), and what each model says; a mark behind each."""
    sentences, answers = results[0].sentences.sentences[:20], [said(r.sentences) for r in results]
    by_length, lines = sorted(range(len(sentences)), key=lambda n: len(sentences[n].source)), []
    for n in by_length[:: len(sentences) // EXAMPLES]:
        wanted = sentences[n].target
        lines += ["", f"src   {' '.join(sentences[n].source)}", f"want  {spoken(wanted)}"]
        for result, answer in zip(results, answers):
            verdict = "✓" if answer[n] == wanted else f"✗  {spoken(answer[n])}"
            lines.append(f"got   {result.run.name:<12} {verdict}")
    return "\n".join(lines[1:])


def spoken(tokens):
    """Korean tokens as text, and romanised in a second line."""
    return f"{' '.join(tokens)}\n      {romanize(' '.join(tokens))}"


def example_map(result):
    """The longest of the first sentences whose map is not too wide; of a poor model's map the beginning."""
    drawn = [show.attention_map(weights, source, output[:ROWS]) for source, output, weights in
             (tokens(result, n) for n in range(len(result.sentences.sentences[:200])))]  # fmt: skip
    columns = lambda text: show.width(text.splitlines()[-1])
    fitting = [text for text in drawn if columns(text) <= COLUMNS] or drawn[:1]
    return "Where it looks while it writes: source across, output down\n" + max(fitting, key=columns)


def tokens(result, n):
    """English words, Korean tokens with their sound, and the map between them, of held-out sentence n."""
    row = result.sentences.evaluation.tokens[n]
    source = [*result.sentences.sentences[n].source, show.EOS_SIGN]
    output = [f"{token} {romanize(token)}" for token in WRITES.decode(row)]
    output += [show.EOS_SIGN] * (len(output) < len(row))
    return source, output, result.sentences.evaluation.weights[n][: len(output), : len(source)]


def conclusions(results, shown):
    """What the figures of this run say, whichever way they fall."""
    first, *others = shown
    lines = []
    for other, result in zip(others, results[1:]):
        longest = list(first["exact_by_length"])[-1]
        a, b = (round(100 * f["exact_by_length"][longest]) for f in (first, other))
        lines.append(
            f"At {longest} words {results[0].run.name} gets {a}% right, the {result.run.name} {b}%: "
            f"{abs(a - b)} points {'more' if a >= b else 'fewer'}."
        )
    drop = round(100 * (first["exact_match"] - first["combinations"]["exact_match"]), 1)
    cost = f"cost {results[0].run.name} {drop:.1f} points" if drop > 0 else f"cost {results[0].run.name} nothing"
    lines.append(f"Combinations that it never saw {cost}.")
    for verb, looking in (("look at their noun", True), ("do not always look at their noun", False)):
        shares = first["particles_on_nouns"].items()
        found = [f"{name} {share:.0%}" for name, share in shares if (share >= 0.9) == looking]
        if found:
            lines.append(f"Particles that {verb}: {', '.join(found)}.")
    crossed = crossings(results[0].sentences)
    verb = "crosses the clause" if crossed >= 2 else "hardly crosses the clause"
    lines.append(f"The verb {verb}: in sentences of one clause its link crosses {crossed:.1f} others.")
    return "\n".join(lines)


def page(result):
    """The longest few held-out sentences as a page with sliders."""
    sentences, config = result.sentences.sentences, result.run.config
    longest = sorted(range(len(sentences)), key=lambda n: -len(sentences[n].source))[:EXAMPLES]
    note = (
        f"{config.cell}, {config.decoder}, {config.score}; {result.run.steps} steps; exact match "
        f"{result.sentences.evaluation.exact_match:.1%} on held-out sentences. Move a slider: at each step "
        "the decoder looks back at the whole sentence, and the shade shows where it looks."
    )
    return show.attention_page("Attention on English to Korean", note, [tokens(result, n) for n in longest])


if __name__ == "__main__":
    run(main)
