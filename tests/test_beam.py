"""Beam search finds what exhaustive search finds, loses no more than it must, and scores right."""

import itertools
import math

import numpy as np
import pytest

from numpy_seq2seq import beam
from numpy_seq2seq.beam import generate_beam, length_penalty
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import BOS, EOS, PAD, UNK, Batch, make_source
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.invariances import one_by_one
from numpy_seq2seq.seq2seq import seq2seq_forward

from .models import ONE_WAY_LSTM, each_decoder, every_model, flat, random_params
from .test_generate import LETTERS, talkative

A, B, C = range(UNK + 1, UNK + 4)


def search(params, config, batch, **options):
    return generate_beam(batch.source, batch.source_mask, params, config, **options)


def tokens_of(answers):
    return [answer.tokens.tolist() for answer in answers]


def taught(params, config, one, answers):
    """Log probabilities of the answers to one source, by teacher forcing; and the weights."""
    width = max(map(len, answers))
    targets = np.array([[*answer, *[PAD] * (width - len(answer))] for answer in answers])
    inputs = np.concatenate([np.full((len(answers), 1), BOS), targets[:, :-1]], axis=1)
    source, mask = (np.repeat(a, len(answers), axis=0) for a in one[:2])
    logits, weights, _ = seq2seq_forward(Batch(source, mask, inputs, targets, targets > PAD), params, config)
    log_p = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    return [sum(row[t, k] for t, k in enumerate(answer)) for row, answer in zip(log_p, answers)], weights


def score(log_p, length, alpha):
    return log_p * 6**alpha / (5 + length) ** alpha


def sharp(config, seed, count=4):
    """A model with opinions and a will to end, and a small batch."""
    params, batch = talkative(config, seed)
    params["output"]["b"][EOS] += 2
    return params, Batch(*(a[:count] for a in batch))


def chain(table, letters="abcde"):
    """(params, config): a model that says token k after token j with the probability table[j][k].

    Of what it has heard only the last token is left, at a place of its own; what a row of the table does not
    name shares what is left of the row, or of the row for BOS, equally.
    """
    size = 4 + len(letters)
    config = Config(size, size, size, size, cell="rnn", decoder="fixed", dtype="float64")
    params = {k: {n: 0 * a for n, a in layer.items()} for k, layer in random_params(config, 0).items()}
    params["target_embedding"]["E"][range(UNK, size), range(UNK, size)] = 1  # BOS is silent
    params["decoder"]["Wx"] = params["readout"]["Wd"] = np.eye(size)
    rows = [_row(table.get(k, {}), size) for k in range(size)]
    params["output"]["b"] = np.log(rows[BOS])
    params["output"]["W"] = (np.log(rows) - np.log(rows[BOS])) / np.tanh(np.tanh(1))
    return params, config


def _row(named, size):
    others = [k for k in range(size) if k not in named]
    rest = max(1 - sum(named.values()), 1e-12)
    return [named.get(k, rest / len(others)) for k in range(size)]


# ---- known answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0, 0.6, 1.0, 2.5, 20])
def test_length_penalty_known_values(alpha):
    assert length_penalty(1, alpha) == 1
    assert math.isclose(length_penalty(7, alpha), 2**alpha)
    assert math.isclose(length_penalty(25, alpha), 5**alpha)


SURPRISE = {BOS: {A: 0.6, B: 0.4}, A: {EOS: 0.5, C: 0.5}, B: {EOS: 0.9}, C: {EOS: 1}}


def test_generate_beam_finds_an_answer_that_begins_with_the_second_best_token():
    params, config = chain(SURPRISE)
    source, mask = make_source(["a"], LETTERS)
    assert generate_greedy(source, mask, params, config).tokens.tolist() == [[A, EOS]]
    best, second = generate_beam(source, mask, params, config, width=2)[0]
    assert best.tokens.tolist() == [B, EOS] and second.tokens.tolist() == [A, EOS]
    assert math.isclose(best.log_probability, math.log(0.36), abs_tol=1e-9)
    assert math.isclose(second.log_probability, math.log(0.3), abs_tol=1e-9)
    assert math.isclose(best.score, math.log(0.36) / (7 / 6) ** 0.6, abs_tol=1e-9)
    assert best.weights is None


def test_generate_beam_keeps_an_answer_that_two_live_ones_would_have_driven_out():
    """EOS at once has 0.1; then a b and a c, 0.44 each, would fill a beam of two, and come to nothing."""
    table = {BOS: {EOS: 0.1, A: 0.89}, A: {B: 0.495, C: 0.495}}
    params, config = chain(table, letters="abcdefghijkl")
    source, mask = make_source(["a"], LETTERS)
    ((best, second),) = generate_beam(source, mask, params, config, width=2, alpha=0, max_length=4)
    assert best.tokens.tolist() == [EOS] and math.isclose(best.log_probability, math.log(0.1))
    assert len(second.tokens) >= 3 and second.log_probability < math.log(0.1)


def test_generate_beam_shrinks_with_every_finished_answer():
    """b and its 0.01 would be kept by a beam that still had two places after the first step."""
    table = {BOS: {EOS: 0.5, A: 0.4, B: 0.09}, A: {A: 0.5, EOS: 0.4}, B: {EOS: 1}}
    params, config = chain(table)
    source, mask = make_source(["a"], LETTERS)
    (answers,) = generate_beam(source, mask, params, config, width=2, alpha=0, max_length=3)
    assert tokens_of(answers) == [[EOS], [A, A, A]]  # a a, the best of step two, has taken the place of a EOS
    (answers,) = generate_beam(source, mask, params, config, width=4, alpha=0, max_length=3)
    assert tokens_of(answers) == [[EOS], [A, EOS], [A, A, A], [B, EOS]]


def test_generate_beam_returns_what_the_limit_cut_off():
    params, config = chain({BOS: {A: 0.7, B: 0.2}, A: {A: 0.9}, B: {EOS: 0.9}})
    source, mask = make_source(["a"], LETTERS)
    ((best, second),) = generate_beam(source, mask, params, config, width=2, max_length=4)
    assert [best.tokens.tolist(), second.tokens.tolist()] == [[A, A, A, A], [B, EOS]]
    assert math.isclose(best.score, math.log(0.7 * 0.9**3) / (9 / 6) ** 0.6)


def test_generate_beam_says_neither_pad_nor_bos_and_leaves_them_their_probability():
    params, config = chain({BOS: {PAD: 0.5, BOS: 0.3, A: 0.2}, A: {EOS: 1}})
    best = generate_beam(*make_source(["a"], LETTERS), params, config, width=2)[0][0]
    assert best.tokens.tolist() == [A, EOS]
    assert math.isclose(best.log_probability, math.log(0.2), abs_tol=1e-9)


def test_generate_beam_finds_five_answers_sorted_by_alpha_0_6_unless_it_is_told_otherwise():
    config = ONE_WAY_LSTM[0]
    params, batch = sharp(config, 31)
    for answers in search(params, config, batch):
        assert len(answers) == 5
        for a in answers:
            assert math.isclose(a.score, score(a.log_probability, len(a.tokens), 0.6))


def test_of_equal_continuations_the_beam_takes_the_earlier():
    """As argmax does, so that width 1 is greedy generation there too."""
    total = np.tile([-1.0, 0.0], (3, 40))
    rows, columns = beam._best(total, np.array([0, 0, 1]), [60, 42])
    assert rows.tolist() == [0] * 40 + [1] * 20 + [2] * 42
    assert columns.tolist() == [*range(1, 80, 2), *range(1, 40, 2), *range(1, 80, 2), 0, 2]


# ---- against other searches --------------------------------------------------------------------------------


@every_model
def test_generate_beam_of_width_1_is_generate_greedy(config):
    params, batch = talkative(config, 10)
    tokens, weights = generate_greedy(batch.source, batch.source_mask, params, config, max_length=8)
    for b, answers in enumerate(search(params, config, batch, width=1, max_length=8)):
        (only,) = answers
        length = len(only.tokens)
        assert only.tokens.tolist() == tokens[b, :length].tolist() and not tokens[b, length:].any()
        assert length == tokens.shape[1] or only.tokens[-1] == EOS
        assert (only.weights is None) == (weights is None)
        if weights is not None:
            np.testing.assert_allclose(only.weights, weights[b, :length], rtol=0, atol=1e-12)


def every_answer(vocabulary, limit):
    """All that can be said in so many tokens, finished or cut off."""
    words = range(UNK, vocabulary)
    for length in range(limit):
        yield from ((*begin, EOS) for begin in itertools.product(words, repeat=length))
    yield from itertools.product(words, repeat=limit)


@each_decoder
@pytest.mark.parametrize("vocabulary,limit,alpha", [(5, 4, 0.6), (6, 3, 0), (6, 3, 1.5), (4, 5, 0.6)])
def test_generate_beam_as_wide_as_everything_is_exhaustive_search(config, vocabulary, limit, alpha):
    config = Config(**{**vars(config), "target_vocabulary": vocabulary})
    params, batch = sharp(config, 20)
    everything = list(every_answer(vocabulary, limit))
    for width in (len(everything), len(everything) + 7):
        found = search(params, config, batch, width=width, alpha=alpha, max_length=limit)
        for one, answers in zip(one_by_one(batch), found):
            log_ps, _ = taught(params, config, one, everything)
            scores = [score(log_p, len(answer), alpha) for log_p, answer in zip(log_ps, everything)]
            best = sorted(range(len(everything)), key=lambda n: -scores[n])
            assert tokens_of(answers) == [list(everything[n]) for n in best]
            found_scores, found_log_ps = zip(*((a.score, a.log_probability) for a in answers))
            np.testing.assert_allclose(found_scores, np.array(scores)[best], rtol=0, atol=1e-10)
            np.testing.assert_allclose(found_log_ps, np.array(log_ps)[best], rtol=0, atol=1e-10)


def slow_beam(params, config, one, width, alpha, limit):
    """The search of one sentence, word for word: every beginning is read again from its BOS."""
    live, finished = [()], []
    for _ in range(limit):
        longer = [(*begin, k) for begin in live for k in range(EOS, config.target_vocabulary)]
        log_ps, _ = taught(params, config, one, longer)
        kept = sorted(zip(log_ps, longer), reverse=True)[: width - len(finished)]
        finished += [pair for pair in kept if pair[1][-1] == EOS]
        live = [answer for _, answer in kept if answer[-1] != EOS]
        if not live:
            break
    cut = [pair for pair in kept if pair[1][-1] != EOS]
    return sorted(finished + cut, key=lambda pair: -score(pair[0], len(pair[1]), alpha))


@each_decoder
@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_generate_beam_is_the_slow_search(config, width):
    params, batch = sharp(config, 30, count=7)
    found = search(params, config, batch, width=width, max_length=6)
    for one, answers in zip(one_by_one(batch), found):
        expected = slow_beam(params, config, one, width, 0.6, 6)
        assert tokens_of(answers) == [list(answer) for _, answer in expected]
        np.testing.assert_allclose([a.log_probability for a in answers], [p for p, _ in expected], 0, 1e-10)


# ---- every answer ------------------------------------------------------------------------------------------


@each_decoder
def test_generate_beam_alpha_changes_the_order_only_towards_longer_answers(config):
    moved = False
    for seed in (70, 71, 72):
        params, batch = sharp(config, seed, count=7)
        alphas = (0, 0.3, 0.6, 1, 3.0, 12)
        tried = [search(params, config, batch, width=5, alpha=alpha, max_length=6) for alpha in alphas]
        for of_one in zip(*tried):
            assert [a.score for a in of_one[0]] == [a.log_probability for a in of_one[0]]
            found = [{(a.log_probability, *a.tokens) for a in answers} for answers in of_one]
            assert all(answers == found[0] for answers in found)
            lengths = [len(answers[0].tokens) for answers in of_one]
            assert lengths == sorted(lengths)
            moved |= lengths[0] < lengths[-1]
    assert moved


@each_decoder
def test_generate_beam_calls_the_decoder_once_a_step_for_the_live_hypotheses_alone(config, monkeypatch):
    params, batch = sharp(config, 80, count=7)
    shapes, forward = [], beam.decode_forward

    def counted(tokens, *others):
        shapes.append(tokens.shape)
        return forward(tokens, *others)

    monkeypatch.setattr(beam, "decode_forward", counted)
    found = search(params, config, batch, width=4, max_length=9)
    lengths = [len(answer.tokens) for answers in found for answer in answers]
    # every hypothesis that is longer than t was live before step t + 1, where 7 beginnings became 28
    assert shapes == [(7, 1)] + [(sum(n > t for n in lengths), 1) for t in range(1, max(lengths))]


@each_decoder
def test_generate_beam_writes_into_nothing(config):
    params, batch = sharp(config, 90)
    for a in (*flat(params).values(), *batch):
        a.flags.writeable = False
    first, second = search(params, config, batch), search(params, config, batch)
    assert [tokens_of(answers) for answers in first] == [tokens_of(answers) for answers in second]
