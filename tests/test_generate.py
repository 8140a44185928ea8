"""The model's own words: when they end, what they may be, and that nobody tells it the answer."""

import functools
import itertools
import re

import numpy as np
import pytest

from numpy_seq2seq.beam import generate_beam
from numpy_seq2seq.data import BOS, EOS, PAD, UNK, Vocabulary, make_source
from numpy_seq2seq.config import DECODERS
from numpy_seq2seq.generate import generate_greedy, generate_sample
from numpy_seq2seq.checks import check_finite
from numpy_seq2seq.seq2seq import seq2seq_forward
from numpy_seq2seq.training import evaluate

from .models import (
    ONE_WAY_LSTM, assert_equal, each_decoder, every_model, flat, random_batch, random_params, successor_model,
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


@pytest.mark.parametrize("search", (generate_greedy, functools.partial(generate_beam, width=1)))
def test_default_limit_is_that_of_the_own_source_whatever_stands_beside_it(search):
    params, config = successor_model("abcde", after_last=UNK + 1)  # it never ends
    ids, mask = make_source(["a", "abcde", "aa"], LETTERS)
    more = ((0, 0), (0, 7))
    for source, real in ((ids, mask), (np.pad(ids, more), np.pad(mask, more))):
        found = search(source, real, params, config)
        answers = found.tokens if search is generate_greedy else [best.tokens for best, *_ in found]
        assert [np.count_nonzero(answer) for answer in answers] == [2 * 2 + 10, 2 * 6 + 10, 2 * 3 + 10]


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


@every_model
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


@every_model
def test_generate_greedy_is_not_told_the_target(config):
    """evaluate has the targets at hand; what the model says must not depend on them."""
    params, batch = talkative(config, 40)
    tokens, _ = say(params, config, batch)
    longer = random_batch(config, 41, 20, target=11)
    for other in (batch, longer, batch._replace(targets=np.full_like(batch.targets, EOS))):
        mixed = batch._replace(inputs=other.inputs, targets=other.targets, target_mask=other.target_mask)
        np.testing.assert_array_equal(evaluate(params, config, mixed).tokens, tokens)


@each_decoder
def test_generate_greedy_writes_into_nothing(config):
    params, batch = talkative(config, 60)
    for a in (*flat(params).values(), *batch):
        a.flags.writeable = False
    first, second = say(params, config, batch), say(params, config, batch)
    assert_equal({"a": {"tokens": first.tokens}}, {"a": {"tokens": second.tokens}})


# ---- drawn answers -----------------------------------------------------------------------------------------

LOGITS = np.array([9, 9, -0.3, 1.1, 0.2, -1.5, 0.9, 1.0, -0.8])  # the first two are PAD and BOS


def draw(params, config, batch, seed=0, **options):
    rng = np.random.default_rng(seed)
    return generate_sample(batch.source, batch.source_mask, params, config, rng, **options)


def memoryless():
    """(params, config): a model that says every token with the probabilities of LOGITS, whatever it reads."""
    params, config = successor_model("abcde")
    params["output"] = {"W": 0 * params["output"]["W"], "b": LOGITS}
    return params, config


@pytest.mark.parametrize("temperature", [0.4, 1, 3.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 7, 50])
def test_generate_sample_draws_with_the_probabilities(temperature, top_k):
    params, config = memoryless()
    source, mask = make_source(["abc"] * 5000, LETTERS)
    rng = np.random.default_rng(1)
    tokens, _ = generate_sample(source, mask, params, config, rng, temperature, top_k, max_length=1)
    powers = [np.exp(z / temperature) for z in LOGITS[EOS:]]
    least = sorted(powers)[-min(top_k or 7, 7)]
    p = np.array([0, 0, *(q if q >= least else 0 for q in powers)])
    p /= p.sum()
    share = np.bincount(tokens[:, 0], minlength=len(p)) / len(tokens)
    assert (np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / len(tokens))).all()


def test_generate_sample_of_equal_logits_keeps_the_smaller_ids():
    params, config = memoryless()
    params["output"]["b"] = np.zeros(9)
    source, mask = make_source(["abc"] * 500, LETTERS)
    tokens, _ = generate_sample(source, mask, params, config, np.random.default_rng(1), top_k=3, max_length=1)
    assert set(tokens[:, 0].tolist()) == {EOS, UNK, UNK + 1}


def test_generate_sample_draws_each_step_and_each_row_anew():
    """Two neighbours in time, or in the batch, agree as often as independent ones do."""
    params, config = memoryless()
    params["output"]["b"] = np.where(np.arange(9) == EOS, -30, LOGITS)  # nobody ends
    tokens, _ = generate_sample(*make_source(["a"] * 300, LETTERS), params, config, np.random.default_rng(2))
    p = np.exp(LOGITS[UNK:]) / np.exp(LOGITS[UNK:]).sum()
    same = (p**2).sum()
    for agree in (tokens[:, ::2] == tokens[:, 1::2], tokens[::2] == tokens[1::2]):
        assert abs(agree.mean() - same) <= 5 * np.sqrt(same * (1 - same) / agree.size)


@every_model
def test_generate_sample_without_choice_is_generate_greedy(config):
    params, batch = talkative(config, 80)
    greedy = say(params, config, batch, max_length=8)
    for options in ({"top_k": 1, "temperature": 9.0}, {"temperature": 1e-12}):
        drawn = draw(params, config, batch, max_length=8, **options)
        np.testing.assert_array_equal(drawn.tokens, greedy.tokens)
        np.testing.assert_array_equal(drawn.weights, greedy.weights)


def test_generate_sample_bears_the_smallest_and_the_largest_temperature():
    config = ONE_WAY_LSTM[0]
    params, batch = talkative(config, 81)
    cold = draw(params, config, batch, temperature=5e-324)
    np.testing.assert_array_equal(cold.tokens, say(params, config, batch).tokens)
    assert (draw(params, config, batch, temperature=1e300).tokens < config.target_vocabulary).all()


@each_decoder
def test_generate_sample_hears_what_it_has_said(config):
    """Its weights are those of the teacher-forced model told the same; nothing follows an EOS."""
    params, batch = talkative(config, 82)
    tokens, weights = draw(params, config, batch, max_length=7)
    assert (tokens != say(params, config, batch, max_length=7).tokens[:, : tokens.shape[1]]).any()
    end, place = ends(tokens)[:, None], np.arange(tokens.shape[1])
    assert (tokens[place > end] == PAD).all() and (tokens[place < end] > EOS).all()
    inputs = np.concatenate([np.full((len(tokens), 1), BOS), tokens[:, :-1]], axis=1)
    _, taught, _ = seq2seq_forward(batch._replace(inputs=inputs), params, config)
    assert (weights is not None) == DECODERS[config.decoder].attends
    if weights is not None:
        np.testing.assert_allclose(weights, taught, rtol=0, atol=1e-12)


def test_generate_sample_draws_from_the_model_itself_unless_it_is_told_otherwise():
    config = ONE_WAY_LSTM[0]
    params, batch = talkative(config, 86)
    plain = draw(params, config, batch).tokens
    np.testing.assert_array_equal(plain, draw(params, config, batch, temperature=1.0, top_k=50).tokens)
    assert plain.tolist() != draw(params, config, batch, temperature=1.5).tokens.tolist()


@each_decoder
def test_generate_sample_is_the_same_for_the_same_seed_only(config):
    params, batch = talkative(config, 83)
    first, again, other = (draw(params, config, batch, seed, top_k=4).tokens for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


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
