"""The loop learns, stops at the first number that is not finite, and repeats itself to the bit."""

import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from numpy_seq2seq.config import Config
from numpy_seq2seq.data import EOS, PAD, UNK, Vocabulary, make_batch
from numpy_seq2seq.generate import generate_greedy
from numpy_seq2seq.optim import adam_init, global_norm, sgd_init, sgd_step
from numpy_seq2seq.seq2seq import (
    loss_and_gradients, seq2seq_backward, seq2seq_forward, seq2seq_init,
)
from numpy_seq2seq.tasks import draw_pairs
from numpy_seq2seq.training import TrainingError, evaluate, sampled_inputs, train

from .helpers import sampled
from .models import (
    ONE_WAY_LSTM, SIZES, assert_equal, each_decoder, flat, letters_config, model_name, random_batch,
    random_params, successor_model,
)

LETTERS = Vocabulary("abc")
NAMES = ("decoder", "score", "encoder", "heads")
CHOICES = [{name: getattr(config, name) for name in NAMES} for config in ONE_WAY_LSTM]
USUAL = [choices for choices in CHOICES if choices["score"] in (None, "dot")]
names = [model_name(config) for config in ONE_WAY_LSTM]
each_choice = pytest.mark.parametrize("choices", sampled(CHOICES, *USUAL), ids=names)


def copies(seed, count=16):
    """An endless stream of small batches to copy."""
    rng = np.random.default_rng(seed)
    while True:
        yield make_batch(draw_pairs("copy", rng, count, (1, 3), "abc"), LETTERS, LETTERS)


def fresh(seed=0, **choices):
    config = letters_config(LETTERS, **choices)
    params = seq2seq_init(np.random.default_rng(seed), config)
    return params, adam_init(params), config


def constant(rate):
    return lambda step: rate


def copy(params):
    return {layer: {name: a.copy() for name, a in arrays.items()} for layer, arrays in params.items()}


# ---- learning ----------------------------------------------------------------------------------------------


@each_choice
def test_train_learns(choices):
    params, state, config = fresh(**choices)
    losses = [report.loss for report in train(params, state, config, copies(1), 40, constant(0.02))]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:3])


def test_train_learns_with_another_update():
    params, _, config = fresh()
    reports = train(params, sgd_init(params), config, copies(2), 80, constant(0.5), update=sgd_step)
    losses = [report.loss for report in reports]
    assert np.mean(losses[-10:]) < np.mean(losses[:3]) - 0.1


def test_train_reports_what_it_did():
    params, state, config = fresh()
    batches = [make_batch([("a", "abc"), ("abca", "b")], LETTERS, LETTERS), next(copies(3))]
    reports = list(train(params, state, config, iter(batches), 2, lambda step: 0.01 * step))
    assert [r.step for r in reports] == [1, 2]
    assert [r.learning_rate for r in reports] == [0.01, 0.02]
    assert [r.tokens for r in reports] == [6, batches[1].target_mask.sum()]  # abc, b, and an EOS each
    untouched, _, _ = fresh()
    loss, grads = loss_and_gradients(batches[0], untouched, config)
    assert reports[0].loss == loss and np.isclose(reports[0].norm, global_norm(grads))
    assert state["t"] == 2


def test_report_holds_numbers_of_python():
    params, state, config = fresh()
    (report,) = train(params, state, config, copies(3), 1, constant(0.01))
    assert [type(value) for value in report] == [int, float, float, float, int]


def test_train_moves_the_parameters_by_the_rate_that_it_reports():
    """SGD moves by η g: rates 1/2, 1/4 and 1/8, each asked for once."""
    params, _, config = fresh(dtype="float64")
    asked = []

    def schedule(step):
        asked.append(step)
        return 2.0**-step

    batches = [batch for batch, _ in zip(copies(3), range(3))]
    reports = train(params, {}, config, batches, 3, schedule, clip=1e9, update=sgd_step)
    for batch in batches:
        before = copy(params)
        _, grads = loss_and_gradients(batch, before, config)
        report = next(reports)
        assert report.learning_rate == 2.0**-report.step
        for name, g in flat(grads).items():
            moved = flat(before)[name] - flat(params)[name]
            np.testing.assert_allclose(moved, report.learning_rate * g, rtol=0, atol=1e-12)
    assert asked == [1, 2, 3]


@pytest.mark.parametrize("dropout, smoothing", [(0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_train_drops_out_and_smooths(dropout, smoothing):
    """Its first loss is that of the same generator and smoothing, and not that without one of them."""
    params, state, config = fresh(dropout=dropout)
    batch, untouched = next(copies(3)), copy(params)

    def loss(rng, smoothing):
        return loss_and_gradients(batch, untouched, config, rng, smoothing)[0]

    options = {"rng": np.random.default_rng(1), "smoothing": smoothing}
    (report,) = train(params, state, config, [batch], 1, constant(0.01), **options)
    assert report.loss == loss(np.random.default_rng(1), smoothing)
    if dropout:
        assert report.loss not in (loss(None, smoothing), loss(np.random.default_rng(2), smoothing))
    if smoothing:
        assert report.loss != loss(np.random.default_rng(1), 0.0)


def test_train_asks_the_schedule_of_teacher_forcing_for_its_own_step():
    """Told its own words at step 2 alone: that loss differs from the one of right words."""
    params, state, config = fresh()
    batches = [batch for batch, _ in zip(copies(3), range(3))]
    asked = []

    def forcing(step):
        asked.append(step)
        return 0.0 if step == 2 else 1.0

    options = {"teacher_forcing": forcing, "rng": np.random.default_rng(1), "clip": 1e9, "update": sgd_step}
    reports = train(params, {}, config, batches, 3, constant(0.1), **options)
    for step, batch in enumerate(batches, 1):
        right = loss_and_gradients(batch, copy(params), config)[0]
        own = sampled_inputs(batch, params, config, 0.0, np.random.default_rng(0))
        told = loss_and_gradients(batch._replace(inputs=own), copy(params), config)[0]
        assert right != told and next(reports).loss == (told if step == 2 else right)
    assert asked == [1, 2, 3]


def test_train_goes_on_from_start():
    """Steps 3 and 4 of 4: both schedules are asked for these, and both reports say so."""
    params, state, config = fresh()
    asked = []
    forcing = lambda step: asked.append(step) or 1.0  # noqa: E731
    options = {"start": 2, "teacher_forcing": forcing, "rng": np.random.default_rng(0)}
    reports = list(train(params, state, config, copies(3), 4, lambda step: 0.01 * step, **options))
    assert [(r.step, r.learning_rate) for r in reports] == [(3, 0.03), (4, 0.04)] and asked == [3, 4]
    assert list(train(params, state, config, copies(3), 4, constant(0.01), start=4)) == []


def test_train_updates_with_the_function_that_it_is_given():
    params, state, config = fresh()
    seen = []
    before = copy(params)
    update = lambda *args: seen.append(args)  # noqa: E731
    reports = train(params, state, config, copies(3), 2, constant(0.5), update=update)
    assert [report.step for report in reports] == [1, 2] and len(seen) == 2
    assert seen[0][0] is params and seen[0][2] is state and seen[0][3] == 0.5
    assert_equal(params, before)


@pytest.mark.parametrize("options, most", (({"clip": 0.01}, 0.01), ({}, 1)))
def test_train_clips_by_the_norm_that_it_is_given_or_to_1(options, most):
    """One step of SGD at rate 1 moves by the clipped gradient; the report has the norm before clipping."""
    params, _, config = fresh()
    params["output"]["W"] *= 30
    before = copy(params)
    (report,) = train(params, {}, config, copies(5), 1, constant(1.0), update=sgd_step, **options)
    moved = {"all": {name: flat(params)[name] - a for name, a in flat(before).items()}}
    assert report.norm > 2
    np.testing.assert_allclose(global_norm(moved), most, rtol=1e-3)


# ---- numbers that are not finite ---------------------------------------------------------------------------


def finite(params):
    return all(np.isfinite(a).all() for a in flat(params).values())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@each_choice
def test_train_restores_the_last_good_parameters(choices, value):
    params, state, config = fresh(**choices)
    reports = train(params, state, config, copies(6), 10, constant(0.01))
    for _ in range(3):
        next(reports)
    batches = copies(6)
    third = [next(batches) for _ in range(3)][-1]
    params["output"]["W"][0, 0] = value
    with pytest.raises(TrainingError, match="became nan at step 4; the parameters are back at"):
        next(reports)
    assert finite(params) and np.isfinite(loss_and_gradients(third, params, config)[0])
    again, again_state, _ = fresh(**choices)
    for _ in train(again, again_state, config, copies(6), 2, constant(0.01)):
        pass
    assert_equal(params, again)  # those that gave the loss of step 3


@pytest.mark.parametrize("rate", [1e10, 1e30, 3e38])
@pytest.mark.parametrize("update", ["adam", "sgd"])
def test_train_with_a_huge_learning_rate(rate, update):
    """Every loss is finite, or it stops and says at which step; the parameters are usable either way."""
    params, state, config = fresh()
    if update == "sgd":
        state, how = {}, {"update": sgd_step}
    else:
        how = {}
    try:
        reports = [r.loss for r in train(params, state, config, copies(7), 20, constant(rate), **how)]
        assert np.isfinite(reports).all()
    except TrainingError as error:
        assert re.search(r"became (nan|inf|nan or inf) at step \d+; .* Try a lower learning rate", str(error))
    with np.errstate(over="ignore", invalid="ignore"):
        assert finite(params) and np.isfinite(loss_and_gradients(next(copies(7)), params, config)[0])


def test_train_notices_an_update_that_ruins_the_model_in_the_last_step_too():
    def ruin(params, grads, state, learning_rate):
        params["output"]["b"][2] = np.nan

    params, state, config = fresh()
    before = copy(params)
    with pytest.raises(TrainingError, match="the parameters became nan or inf at step 1"):
        list(train(params, state, config, copies(8), 1, constant(0.01), update=ruin))
    assert_equal(params, before)


def test_evaluate_gives_long_answers_the_room_they_need():
    params, config = successor_model("abcdefghijklmnopq")
    batch = make_batch([("a", "bcdefghijklmnopq")], *[Vocabulary("abcdefghijklmnopq")] * 2)
    assert evaluate(params, config, batch).exact_match == 0  # 17 tokens, and the limit is 14
    assert evaluate(params, config, batch, max_length=17).exact_match == 1


def test_train_stops_when_the_gradient_is_not_finite_though_the_loss_is(monkeypatch):
    params, state, config = fresh()

    def broken(dlogits, cache):
        grads = seq2seq_backward(dlogits, cache)
        grads["decoder"]["Wh"][1, 2] = np.inf
        return grads

    monkeypatch.setattr("numpy_seq2seq.seq2seq.seq2seq_backward", broken)
    before = copy(params)
    with pytest.raises(TrainingError, match="the norm of the gradient became inf at step 1"):
        next(train(params, state, config, copies(8), 1, constant(0.01)))
    assert_equal(params, before)


def test_train_and_evaluate_check_their_batches():
    params, state, config = fresh()
    good = next(copies(9))
    wrong = good._replace(source=good.source * np.nan)
    with pytest.raises(TypeError, match="source must be integer token ids, got float64"):
        list(train(params, state, config, [good, wrong], 2, constant(0.01)))
    assert state["t"] == 1  # the good one
    with pytest.raises(ValueError, match=re.escape("is id 99; the vocabulary has ids 0 to 6")):
        wild = good._replace(inputs=np.full_like(good.inputs, 99))
        list(train(params, state, config, [wild], 1, constant(0.01)))
    with pytest.raises(TypeError, match="source must be integer token ids, got float64"):
        evaluate(params, config, wrong)


# ---- same seed, same bits ----------------------------------------------------------------------------------


def fingerprint():
    """Of the parameters of every decoder after 8 steps, and of the reports on the way."""
    total = hashlib.sha256()
    for choices in {choices["decoder"]: choices for choices in CHOICES}.values():
        directions = {"directions": 2} if choices["encoder"] == "recurrent" else {}
        params, state, config = fresh(10, **directions, **choices)
        for report in train(params, state, config, copies(11), 8, constant(0.01)):
            total.update(repr(report).encode())
        for name, array in flat(params).items():
            total.update(name.encode() + array.tobytes())
    return total.hexdigest()


def test_train_same_seed_same_bits():
    """Twice in this process, and in another whose strings hash differently."""
    call = [sys.executable, "-c", "from tests.test_training import fingerprint; print(fingerprint())"]
    options = {"cwd": Path(__file__).parent.parent, "capture_output": True, "text": True, "check": True}
    other = subprocess.run(call, env=os.environ | {"PYTHONHASHSEED": "1"}, **options)
    assert fingerprint() == fingerprint() == other.stdout.strip()


def test_train_another_seed_another_model():
    one, two = fresh(1)[0], fresh(2)[0]
    assert not np.array_equal(one["decoder"]["Wh"], two["decoder"]["Wh"])


# ---- evaluation --------------------------------------------------------------------------------------------


def test_evaluate_known_answer():
    """The hand-made model says the letters that follow, and then stops."""
    params, config = successor_model("abcde")
    letters = Vocabulary("abcde")
    batch = make_batch([("c", "de"), ("a", "bxde"), ("e", "a")], letters, letters, unk=True)
    result = evaluate(params, config, batch)
    assert ["".join(letters.decode(row)) for row in result.tokens] == ["de", "bcde", ""]
    assert result.right.astype(int).tolist() == [[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert result.token_accuracy == 7 / 10 and result.exact_match == 1 / 3
    assert result.weights is None and result.tokens.shape == (3, 5)


LENGTHS = [("bcd", [1, 1, 1, 0]), ("bcdee", [1, 1, 1, 1, 0, 0]), ("bcde", [1, 1, 1, 1, 1])]


@pytest.mark.parametrize("target,right", LENGTHS)
def test_evaluate_an_answer_that_is_too_long_or_too_short_is_no_match(target, right):
    params, config = successor_model("abcde")
    letters = Vocabulary("abcde")
    result = evaluate(params, config, make_batch([("a", target)], letters, letters))
    assert result.right.astype(int).tolist() == [right]
    assert result.token_accuracy == sum(right) / len(right) and result.exact_match == all(right)


@each_decoder
def test_evaluate_without_any_opinion(config):
    """All logits are equal: the loss is ln V, and of equal choices it takes the first, EOS."""
    params, batch = random_params(config, 20), random_batch(config, 21)
    params["output"] = {name: np.zeros_like(a) for name, a in params["output"].items()}
    result = evaluate(params, config, batch)
    np.testing.assert_allclose(result.loss, np.log(config.target_vocabulary), rtol=1e-12)
    assert (result.tokens == EOS).all() and result.tokens.shape == (len(batch.source), 1)
    empty = batch.target_mask.sum(axis=1) == 1
    assert result.exact_match == empty.mean() and (batch.targets[~empty, 0] >= UNK).all()
    assert result.token_accuracy == empty.sum() / batch.target_mask.sum()


@each_decoder
def test_evaluate_has_the_loss_of_training(config):
    params, batch = random_params(config, 22), random_batch(config, 23)
    result = evaluate(params, config, batch)
    assert result.loss == loss_and_gradients(batch, params, config)[0]
    assert result.right.shape == batch.targets.shape and not result.right[~batch.target_mask].any()


# ---- scheduled sampling ------------------------------------------------------------------------------------


@each_decoder
def test_sampled_inputs_at_its_two_limits(config):
    params, batch = random_params(config, 500), random_batch(config, 501)
    told = sampled_inputs(batch, params, config, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(told, batch.inputs)
    own = sampled_inputs(batch, params, config, 0.0, np.random.default_rng(0))
    assert (own[~batch.target_mask] == PAD).all()
    said = generate_greedy(batch.source, batch.source_mask, params, config).tokens
    for row, answer, real in zip(own, said, batch.target_mask):
        spoken = int(np.argmax(answer == EOS)) + 1 if EOS in answer else len(answer)  # up to its EOS
        shared = min(int(real.sum()) - 1, spoken)
        np.testing.assert_array_equal(row[1 : shared + 1], answer[:shared])


@each_decoder
def test_sampled_inputs_are_what_teacher_forcing_then_sees(config):
    """Every input is the right token or the most probable one after the inputs before it."""
    params, batch = random_params(config, 502), random_batch(config, 503)
    inputs = sampled_inputs(batch, params, config, 0.5, np.random.default_rng(1))
    logits, _, _ = seq2seq_forward(batch._replace(inputs=inputs), params, config)
    own = EOS + logits[:, :-1, EOS:].argmax(axis=2)
    right, chosen = batch.inputs[:, 1:] == inputs[:, 1:], own == inputs[:, 1:]
    assert (right | chosen).all() and not right.all() and not chosen.all()


def test_sampled_inputs_hold_ids_that_the_dtype_of_the_batch_does_not():
    """Ids of int8, in a vocabulary of 300: the model's own words are above 127."""
    config = Config(300, 300, hidden_size=8)
    params, batch = random_params(config, 504), random_batch(Config(**SIZES), 505)
    params["output"]["b"][:200] = -1e3
    short = batch._replace(inputs=batch.inputs.astype("int8"), targets=batch.targets.astype("int8"))
    own, again = (sampled_inputs(b, params, config, 0.0, np.random.default_rng(0)) for b in (batch, short))
    assert own[batch.target_mask].max() >= 200
    np.testing.assert_array_equal(own, again)


def test_sampled_inputs_at_a_probability_between():
    """The model always says 8, if it is asked: the right token is told as often as the probability says."""
    config = Config(**SIZES)
    params, batch = random_params(config, 508), random_batch(config, 509)
    params["output"]["b"][8] = 1e3
    told = batch.target_mask[:, 1:] & (batch.inputs[:, 1:] != 8)
    for probability in (0.2, 0.5):
        rngs = map(np.random.default_rng, range(300))
        drawn = (sampled_inputs(batch, params, config, probability, rng) for rng in rngs)
        right = [(inputs == batch.inputs)[:, 1:][told].mean() for inputs in drawn]
        assert abs(np.mean(right) - probability) < 0.05


def test_sampled_inputs_are_chosen_without_dropout():
    config = Config(**SIZES, layers=2, dropout=0.9)
    params, batch = random_params(config, 518), random_batch(config, 519)
    params["output"]["W"] *= 30
    own = [sampled_inputs(batch, params, config, 0.0, np.random.default_rng(k)) for k in range(20)]
    assert all((inputs == own[0]).all() for inputs in own)


def test_train_with_scheduled_sampling_dropout_and_smoothing_learns():
    config = Config(**SIZES, decoder="luong_feeding", dropout=0.1)
    params, batch = random_params(config, 504), random_batch(config, 505)
    rng, forcing = np.random.default_rng(2), lambda step: 1 - step / 400
    reports = list(train(params, adam_init(params), config, itertools.repeat(batch), 200, constant(0.02),
                         smoothing=0.05, teacher_forcing=forcing, rng=rng))
    assert reports[-1].loss < 0.7 * reports[0].loss


def test_train_drops_out_beside_scheduled_sampling_too():
    """The first loss is that of these inputs with this generator, and not that without dropout."""
    params, state, config = fresh(dropout=0.4)
    (batch,) = itertools.islice(copies(9), 1)
    rng, expected = np.random.default_rng(5), np.random.default_rng(5)
    told = batch._replace(inputs=sampled_inputs(batch, params, config, 1.0, expected))
    loss, _ = loss_and_gradients(told, params, config, expected)
    steps = train(params, state, config, [batch], 1, constant(0.01), teacher_forcing=constant(1.0), rng=rng)
    assert next(steps).loss == loss


def test_sampled_inputs_draws_a_coin_for_each_token():
    """A model that says UNK and nothing else: where it is not UNK, the right token was told."""
    params, _, config = fresh()
    params["output"]["b"][UNK] += 99
    (batch,) = itertools.islice(copies(3, count=40), 1)
    told = sampled_inputs(batch, params, config, 0.5, np.random.default_rng(0))[:, 1:] != UNK
    full = batch.target_mask[:, 1:].all(axis=1)
    for coins in (told[full], told[full].T):
        assert (coins.any(axis=1) & ~coins.all(axis=1)).any()


def test_train_asks_for_a_generator():
    config = Config(**SIZES, dropout=0.1)
    params = random_params(config, 506)
    with pytest.raises(ValueError, match="rng"):
        next(train(params, adam_init(params), config, [random_batch(config, 507)], 1, lambda step: 0.01))


# ---- what cannot be trained with ---------------------------------------------------------------------------


def test_train_says_when_the_batches_run_out():
    config = Config(**SIZES)
    params, taken = random_params(config, 512), []
    reports = train(params, adam_init(params), config, [random_batch(config, 513)] * 2, 5, constant(0.01))
    with pytest.raises(ValueError, match="ran out before step 3 of 5"):
        taken.extend(report.step for report in reports)
    assert taken == [1, 2]
