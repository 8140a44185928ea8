"""Figures are measured on held-out data, drawn from a stream of its own, and mean what their names say."""

import argparse
import io
import math
import sys
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from demos import copy_task, reverse_task
from demos.answer import __main__ as answer
from demos.answer import stories
from demos.dates import __main__ as dates
from demos.describe import __main__ as describe
from demos.shared import held_out_stream, random_streams, report, training
from demos.train_pairs import __main__ as train_pairs
from demos.train_pairs import answers, corpus
from demos.translate import __main__ as translate
from numpy_seq2seq import Batch, Config, Vocabulary, evaluate, generate_beam, generate_greedy, make_source
from numpy_seq2seq.data import BOS, PAD, UNK
from numpy_seq2seq.invariances import one_by_one
from numpy_seq2seq.losses import cross_entropy_forward
from numpy_seq2seq.seq2seq import seq2seq_forward
from numpy_seq2seq.tasks import LETTERS, is_held_out
from numpy_seq2seq.training import Report

from ..models import ONE_WAY_LSTM, random_batch, random_params
from .test_korean import combinations_of

TINY = ["--quick", "--steps", "3", "--hidden", "4"]
JUDGES = {"evaluate", "seq2seq_forward", "generate_greedy", "generate_sample"}  # where held-out data goes

# ---- what is judged is held out, and what is trained on is not ---------------------------------------------


def facts_told(words):
    """The facts of a story, read from its words; the question is what stands behind the last full stop."""
    kinds = {verb: kind for kind, verbs in stories.VERBS.items() for verb in verbs}
    *told, _ = " ".join(words).split(" . ")
    return tuple((kinds[verb], person, thing) for person, verb, thing in map(str.split, told))


def name_or_values(tokens):
    """What decides of a record: its name, or without one all its values."""
    record = {}
    for token in tokens:
        if token.endswith(":"):
            field = token[:-1]
        else:
            record[field] = record.get(field, "") + token
    return record.get("name") or " ".join(sorted(record.values()))


def has_held_out_combination(words):
    return any(is_held_out(" ".join(pair)) for pair in combinations_of(words))


class Language(NamedTuple):
    """A program, and what decides: (source, target) -> text; text -> held out?"""

    module: object
    key: object
    held_out: object = is_held_out

    @property
    def vocabularies(self):
        return [getattr(self.module, side, Vocabulary(LETTERS)) for side in ("READS", "WRITES")]


LANGUAGES = {
    "reverse": Language(reverse_task, lambda source, _: "".join(source)),
    "copy": Language(copy_task, lambda source, _: "".join(source)),
    "dates": Language(dates, lambda _, target: "".join(target)),  # the day, in whatever pattern
    "answer": Language(answer, lambda source, _: repr(facts_told(source))),
    "describe": Language(describe, lambda source, _: name_or_values(source)),
    "translate": Language(
        translate, lambda source, _: " ".join(source),
        lambda text: is_held_out(text) or has_held_out_combination(text.split()),
    ),
}  # fmt: skip
DRAWN = {  # training pairs of a language, from a generator
    "dates": lambda rng, count=50: dates.draw_pairs(rng, count),
    "answer": lambda rng, count=50: answer.pairs_of(answer.draw_stories(rng, count)),
    "describe": lambda rng, count=50: describe.pairs_of(rng, describe.draw_records(rng, count)),
    "translate": lambda rng, count=50: translate.pairs_of(translate.draw_translations(rng, count)),
}


class Watched(NamedTuple):
    """What a program did."""

    language: Language
    trained: list  # for each model the batches that it was trained on
    judged: list  # batches, or sources alone, that the models were judged on


@pytest.fixture(scope="module", params=LANGUAGES)
def watched(request):
    """A program, run to its end."""
    language, train = LANGUAGES[request.param], training.train
    trained, judged = [], []

    def watching(params, state, config, batches, *others, **options):
        trained.append([])
        noted = (trained[-1].append(batch) or batch for batch in batches)
        return train(params, state, config, noted, *others, **options)

    def judging(function):
        def judge(*arguments, **options):
            given = [*arguments, *options.values()]
            judged.append(next((a for a in given if isinstance(a, Batch)), given[0]))
            return function(*arguments, **options)

        return judge

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", watching)
        for module in (training, report, language.module):
            for name in JUDGES & vars(module).keys():
                patch.setattr(module, name, judging(getattr(module, name)))
        language.module.main(TINY)
    return Watched(language, trained, judged)


def keys(language, batches):
    """What decides of each pair of the batches."""
    reads, writes = language.vocabularies
    for batch in batches:
        if isinstance(batch, Batch):
            pairs = zip(map(reads.decode, batch.source), map(writes.decode, batch.targets))
        else:
            pairs = ((reads.decode(row), None) for row in batch)
        yield from (language.key(*pair) for pair in pairs)


def test_no_model_is_judged_on_what_one_was_trained_on(watched):
    language, trained, judged = watched
    learnt = {key for batches in trained for key in keys(language, batches)}
    asked = set(keys(language, judged))
    assert len(learnt) > 100 and len(asked) > 40
    assert not learnt & asked
    assert not any(map(language.held_out, learnt)) and all(map(language.held_out, asked))


def test_models_beside_each_other_see_the_same_batches(watched):
    language, trained, _ = watched
    assert len(trained) == (1 if language.module is describe else 2)
    seen = [list(keys(language, batches)) for batches in trained]
    assert all(batches == seen[0] for batches in seen) and len(set(seen[0])) > len(seen[0]) / 2


def test_translations_are_judged_on_both_held_out_sets_with_no_word_hidden(monkeypatch):
    judged, examined, examine = [], [], translate.examine

    def watching(run, sentences):
        examined.append((run.name, {has_held_out_combination(s.source) for s in sentences}))
        assert len(sentences) > 40
        return examine(run, sentences)

    monkeypatch.setattr(report, "evaluate", lambda *given: judged.append(given[2]) or evaluate(*given))
    monkeypatch.setattr(translate, "examine", watching)
    translate.train(translate.read_options(TINY))
    assert examined == [(name, {new}) for name in ("attention", "fixed vector") for new in (False, True)]
    assert len(judged) == 4 and not any((batch.inputs == UNK).any() for batch in judged)


def test_pairs_of_a_file_are_trained_on_or_validated_on_or_tested_on(tmp_path, monkeypatch):
    parts = {"trained": set(), "validated": set(), "tested": set()}
    learn, forward, answer = training.train, corpus.seq2seq_forward, answers.generate_greedy

    def noted(part, batch):
        parts[part] |= {tuple(row[mask]) for row, mask in zip(*batch[:2])}
        return batch

    def watching(params, state, config, batches, *others, **options):
        return learn(params, state, config, (noted("trained", b) for b in batches), *others, **options)

    def validating(batch, *others):  # until there is a test
        return forward(noted("tested" if parts["tested"] else "validated", batch), *others)

    def testing(source, mask, *others):
        return answer(*noted("tested", (source, mask)), *others)

    monkeypatch.setattr(training, "train", watching)
    monkeypatch.setattr(corpus, "seq2seq_forward", validating)
    monkeypatch.setattr(answers, "generate_greedy", testing)
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nobody asks the model anything
    path = tmp_path / "numbers.tsv"
    path.write_text("".join(f"{n}\t{str(n)[::-1]}\n" for n in range(400)))
    train_pairs.main([str(path), *TINY])
    trained, validated, tested = parts.values()
    assert len(trained) > 60 and len(validated) > 9 and len(tested) > 9
    assert not trained & validated and not trained & tested and not validated & tested


# ---- what is random ----------------------------------------------------------------------------------------


def test_streams_are_of_their_own_and_the_same_whenever_they_are_asked_for():
    def drawn(seed, count):
        return [tuple(rng.random(4)) for rng in random_streams(seed, count)]

    assert drawn(0, 4) == drawn(0, 4)
    assert drawn(0, 3) == drawn(0, 4)[:3]  # a demo asks for 3, fit for 4, and the third is the demo's alone
    assert len({*drawn(0, 4), *drawn(1, 4), *drawn(2, 4)}) == 12
    assert tuple(held_out_stream(0).random(4)) == drawn(0, 4)[2]


@pytest.mark.parametrize("decoder, share", (("bahdanau", 0.7), ("transformer", 0.3)))
def test_so_many_words_are_hidden_from_the_training_and_bos_never(decoder, share, monkeypatch):
    rng, hidden, asked = np.random.default_rng(0), [], []
    monkeypatch.setattr(translate.shared, "fit_each", lambda _, draw, *__, **___: asked.append(draw) or [])
    translate.train(translate.read_options(["--quick", "--decoder", decoder]))
    for _ in range(8):
        batch = asked[0](rng)
        inputs, told, real = batch.inputs[:, 1:], batch.targets[:, :-1], batch.target_mask[:, 1:]
        assert (batch.inputs[:, 0] == BOS).all() and (batch.targets != UNK).all()
        assert (inputs[~real] == PAD).all() and ((inputs == told) | (inputs == UNK))[real].all()
        hidden += list(inputs[real] == UNK)
    assert len(hidden) > 4000 and abs(np.mean(hidden) - share) < 0.04  # five standard deviations and more


def test_sentences_are_drawn_at_the_temperature_that_was_asked_for(monkeypatch):
    monkeypatch.setattr(describe, "DRAWS", 2)

    def described(temperature):
        _, result, drawn = describe.train(describe.read_options([*TINY, "--temperature", temperature]))
        return result.said, drawn

    (cold, always), (warm, drawn) = described("1e-12"), described("1")
    assert cold == warm and always == [cold] * 2
    assert drawn[0] != warm and drawn[0] != drawn[1]


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_same_seed_same_data(draw):
    one, again, other = (draw(np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert one == again != other


@pytest.mark.parametrize("name", ("answer", "describe", "translate"))
def test_every_word_occurs_in_training_and_no_other(name):
    language, words = LANGUAGES[name], (set(), set())
    rng = np.random.default_rng(0)
    for source, target in DRAWN[name](rng, 3000):
        words[0].update(source)
        words[1].update(target)
    assert words == tuple(set(vocabulary.ids) for vocabulary in language.vocabularies)


# ---- figures -----------------------------------------------------------------------------------------------


def test_mean_loss_does_not_depend_on_how_pairs_are_cut_into_batches():
    config = ONE_WAY_LSTM[2]
    params, batch = random_params(config, 0), random_batch(config, 1, count=7)
    logits, _, _ = seq2seq_forward(batch, params, config)
    whole = float(cross_entropy_forward(logits, batch.targets, batch.target_mask)[0])
    first, *others = one_by_one(batch)
    rest = Batch(*(array[1:] for array in batch))
    assert len({int(one.target_mask.sum()) for one in (first, *others)}) > 3
    for batches in ([batch], [first, rest], [first, *others]):
        assert math.isclose(corpus.mean_loss(params, config, batches), whole, rel_tol=1e-9)


@pytest.mark.parametrize("exact, seconds", (([0.5, 0.98, 0.989], None), ([0.5, 0.98, 0.99, 0.2, 1.0], 15)))
def test_seconds_to_99_are_those_of_the_first_99_percent(exact, seconds, monkeypatch):
    clock, shares, steps = [0.0], iter(exact), 5 * len(exact)  # it is asked after every fifth step

    def train(*arguments, **options):
        for step in range(1, steps + 1):
            clock[0] = float(step)  # a second for each step
            yield Report(step, 1.0, 1.0, 0.1, 10)

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(training, "evaluate", lambda *_: SimpleNamespace(exact_match=next(shares)))
    options = argparse.Namespace(seed=0, steps=steps, save=None, resume=None)
    letters = (Vocabulary("a"),) * 2
    run = training.fit("model", Config(5, 5, 2, 2), None, options, letters, {}, sample=[("a", "a")])
    assert run.seconds_to_99 == seconds and run.seconds == steps


# ---- beam search in float32 --------------------------------------------------------------------------------


def test_beam_of_a_float32_model_tells_apart_what_float32_sums_cannot():
    """The logits 0 and 1e-8 differ; near −0.7, where their logarithms are, float32 has steps of 6e-8."""
    words, steps = Vocabulary("ab"), 20
    config = Config(len(words), len(words), 2, 2, cell="rnn", decoder="fixed", dtype="float32")
    params = {k: {n: 0 * a for n, a in layer.items()} for k, layer in random_params(config, 0).items()}
    a, b = words.encode("ab")
    bias = params["output"]["b"]
    bias[:], bias[[a, b]] = -30, (0, 1e-8)
    source, mask = make_source(["a"], words)
    ((best,),) = generate_beam(source, mask, params, config, width=1, max_length=steps)
    greedy = generate_greedy(source, mask, params, config, steps).tokens[0]
    assert best.tokens.tolist() == greedy.tolist() == [b] * steps
    exact = steps * (float(bias[b]) - math.log(math.fsum(map(math.exp, map(float, bias)))))
    assert math.isclose(best.log_probability, exact, rel_tol=1e-13)
    first, second = generate_beam(source, mask, params, config, width=2, max_length=steps)[0]
    assert first.tokens.tolist() == [b] * steps and sorted(second.tokens) == [a] + [b] * (steps - 1)
    assert math.isclose(first.log_probability - second.log_probability, float(bias[b]), rel_tol=1e-5)
