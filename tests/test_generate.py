"""Chapter 10: the model's own words: when they end, what they may be, and that nobody tells it the answer."""

import itertools
import re

import numpy as np
import pytest

from numpy_seq2seq.data import BOS, EOS, PAD, UNK, Vocabulary, make_batch, make_source
from numpy_seq2seq.decoders import DECODERS
from numpy_seq2seq.generate import check_finite, generate_greedy
from numpy_seq2seq.seq2seq import seq2seq_forward
from numpy_seq2seq.training import evaluate

from .models import (
    ONE_WAY_LSTM,
    assert_equal,
    each_decoder,
    each_model,
    flat,
    one_by_one,
    random_batch,
    random_params,
    successor_model,
)

LETTERS = Vocabulary("abcde")
ANSWERS = {"a": "bcde", "d": "e", "e": "", "cb": "cde", "edcba": "bcde", "": ""}


def words(tokens):
    return ["".join(LETTERS.decode(row)) for row in tokens]


def talkative(config, seed):
    """A model that says different things of different sources, and an end now and then; and a batch."""
    params = random_params(config, seed)
    params["output"]["W"] = 3 * params["output"]["W"]
    return params, random_batch(config, seed + 1, 20)


def ends(tokens):
    """For each row the place of its first EOS, or its length where there is none."""
    said = tokens == EOS
    return np.where(said.any(axis=1), said.argmax(axis=1), tokens.shape[1])


def say(params, config, batch, **options):
    return generate_greedy(batch.source, batch.source_mask, params, config, **options)


# ---- known answers -----------------------------------------------------------------------------------------


def test_generate_greedy_known_answers():
    params, config = successor_model("abcde")
    tokens, weights = generate_greedy(*make_source(list(ANSWERS), LETTERS), params, config)
    assert words(tokens) == list(ANSWERS.values())
    assert weights is None
    assert tokens.shape == (6, 5)  # the longest answer and its EOS: there it stops
    assert tokens[2].tolist() == [EOS, PAD, PAD, PAD, PAD]


def test_generate_greedy_weights_belong_to_the_token_that_is_said():
    """To say the next letter it looks most at the place of the letter that it has just been told."""
    params, config = successor_model("abcde", decoder="luong", score="dot")
    sources = ["edcba", "bcdea"]
    tokens, weights = generate_greedy(*make_source(sources, LETTERS), params, config)
    assert words(tokens) == ["bcde", "bcde"]
    assert weights.shape == (2, 5, 6)
    for source, row in zip(sources, weights):
        assert row[1:].argmax(axis=1).tolist() == [source.index(letter) for letter in "bcde"]


@pytest.mark.parametrize("limit", [1, 3, 12])
def test_generate_greedy_stops_at_the_limit(limit):
    """After e comes a again, for ever."""
    params, config = successor_model("abcde", after_last=UNK + 1)
    tokens, _ = generate_greedy(*make_source(["a", "d"], LETTERS), params, config, max_length=limit)
    assert words(tokens) == [("bcdea" * 3)[:limit], ("eabcd" * 3)[:limit]]
    assert tokens.shape == (2, limit)


@pytest.mark.parametrize("source", ["", "a", "abcd"])
def test_generate_greedy_default_limit_depends_on_the_source(source):
    params, config = successor_model("abcde", after_last=UNK + 1)
    ids, mask = make_source([source + "a"], LETTERS)
    assert generate_greedy(ids, mask, params, config).tokens.shape == (1, 2 * ids.shape[1] + 10)


def test_generate_greedy_says_neither_pad_nor_bos_however_much_it_wants_to():
    params, config = successor_model("abcde")
    params["output"]["b"][[PAD, BOS]] = 1e3
    tokens, _ = generate_greedy(*make_source(list(ANSWERS), LETTERS), params, config)
    assert words(tokens) == list(ANSWERS.values())


def test_generate_greedy_starts_with_the_bos_of_training():
    params, config = successor_model("abcde")
    params["target_embedding"]["E"][BOS] = np.eye(9)[UNK + 4]  # having been told BOS it goes on as if after d
    tokens, _ = generate_greedy(*make_source(["a", "e"], LETTERS), params, config)
    assert words(tokens) == ["e", "e"]


# ---- every model -------------------------------------------------------------------------------------------


@each_model
def test_generate_greedy_is_its_own_teacher(config):
    """Told its own words as inputs, the teacher-forced model would say each of them again."""
    params, batch = talkative(config, 10)
    tokens, weights = say(params, config, batch, max_length=7)
    inputs = np.concatenate([np.full((len(tokens), 1), BOS), tokens[:, :-1]], axis=1)
    logits, taught, _ = seq2seq_forward(batch._replace(inputs=inputs), params, config)
    best = EOS + logits[:, :, EOS:].argmax(axis=2)
    said = np.arange(tokens.shape[1]) <= ends(tokens)[:, None]
    assert (tokens[said] == best[said]).all()
    assert (weights is not None) == DECODERS[config.decoder].attends
    if weights is not None:
        assert weights.shape == (*tokens.shape, batch.source.shape[1])
        np.testing.assert_allclose(weights, taught, rtol=0, atol=1e-12)


@each_model
def test_generate_greedy_ends_once_with_padding_behind_it(config):
    padded = 0
    for seed, eagerness in itertools.product(range(20, 24), (-2, 0, 2, 4)):
        params, batch = talkative(config, seed)
        params["output"]["W"][:, EOS] *= 4  # of some sources the end comes soon, of others late or never
        params["output"]["b"][EOS] += eagerness
        tokens, _ = say(params, config, batch, max_length=8)
        end, place = ends(tokens)[:, None], np.arange(tokens.shape[1])
        assert (tokens[place > end] == PAD).all() and (tokens[place < end] > EOS).all()
        assert tokens.shape[1] == min(end.max() + 1, 8)
        padded += (place > end).sum()
    assert padded


@each_model
def test_generate_greedy_of_a_batch_is_that_of_its_sequences(config):
    params, batch = talkative(config, 30)
    tokens, weights = say(params, config, batch, max_length=9)
    for b, one in enumerate(one_by_one(batch)):
        alone, looked = say(params, config, one, max_length=9)
        length = alone.shape[1]
        assert tokens[b, :length].tolist() == alone[0].tolist() and not tokens[b, length:].any()
        if weights is not None:
            real = weights[b, :length][:, batch.source_mask[b]]
            np.testing.assert_allclose(real, looked[0], rtol=0, atol=1e-12)


@each_model
def test_generate_greedy_is_not_told_the_target(config):
    """evaluate has the targets at hand; what the model says must not depend on them."""
    params, batch = talkative(config, 40)
    tokens, _ = say(params, config, batch)
    longer = random_batch(config, 41, 20, target=11)
    for other in (batch, longer, batch._replace(targets=np.full_like(batch.targets, EOS))):
        mixed = batch._replace(inputs=other.inputs, targets=other.targets, target_mask=other.target_mask)
        np.testing.assert_array_equal(evaluate(params, config, mixed).tokens, tokens)


@each_decoder
def test_generate_greedy_reads_an_empty_string(config):
    vocabulary = Vocabulary("abcd")
    source, mask = make_source(["", "abc", ""], vocabulary)
    params = random_params(config, 50)
    tokens, weights = generate_greedy(source, mask, params, config)
    assert ((0 <= tokens) & (tokens < config.target_vocabulary)).all()
    length = tokens.shape[1]
    alone, looked = generate_greedy(*make_source([""], vocabulary), params, config, max_length=length)
    said = np.pad(alone[0], (0, length - alone.shape[1])).tolist()
    assert said == tokens[0].tolist() == tokens[2].tolist()
    if weights is not None:
        assert np.isfinite(weights).all() and (looked == 1).all()  # there is only the EOS to look at


@each_decoder
def test_generate_greedy_writes_into_nothing(config):
    params, batch = talkative(config, 60)
    for a in (*flat(params).values(), *batch):
        a.flags.writeable = False
    first, second = say(params, config, batch), say(params, config, batch)
    assert_equal({"a": {"tokens": first.tokens}}, {"a": {"tokens": second.tokens}})


# ---- refused -----------------------------------------------------------------------------------------------


PLACES = [("decoder", "Wh", (3, 1)), ("encoder", "b", (5,)), ("output", "W", (0, 0))]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("layer,name,place", PLACES)
def test_check_finite_and_generate_greedy_name_what_is_not_finite(layer, name, place, value):
    config = ONE_WAY_LSTM[0]
    params, batch = random_params(config, 70), random_batch(config, 71)
    check_finite(params)
    params[layer][name][place] = value
    message = f"parameter {layer}.{name}[{', '.join(map(str, place))}] is {value}; the model is damaged"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_finite(params)
    with pytest.raises(ValueError, match=re.escape(message)):
        say(params, config, batch)


def test_generate_greedy_checks_its_source():
    config = ONE_WAY_LSTM[0]
    params, batch = random_params(config, 72), random_batch(config, 73)
    with pytest.raises(TypeError, match="source must be integer token ids, got float64"):
        generate_greedy(batch.source * 1.0, batch.source_mask, params, config)
    with pytest.raises(ValueError, match="source row 0 has no real token"):
        generate_greedy(batch.source, batch.source_mask & False, params, config)
    with pytest.raises(ValueError, match=re.escape("is id 9; the vocabulary has ids 0 to 7")):
        generate_greedy(np.full_like(batch.source, 9), batch.source_mask, params, config)
