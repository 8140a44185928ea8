"""What the check says of a function, without processes: worked examples, then mistakes in all chapters."""

import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from demos.bug_zoo.defects import DEFECTS, edited_sources, read_edits
from numpy_seq2seq.homework.calls import by_hand
from numpy_seq2seq.homework.assignment import partner
from numpy_seq2seq.homework.check import check, check_cache
from numpy_seq2seq.homework.compare import leaves
from numpy_seq2seq.homework.trial import RNG, Wrong

from .handed_in import FUNCTIONS, TASKS, edited, source_of, stored_answers

SAMPLE = ("softmax", "softmax_backward", "lstm_cell_forward", "lstm_cell_backward", "step_forward",
          "adam_step", "gru_cell_forward")


@pytest.fixture(scope="module")
def sample():
    return stored_answers(FUNCTIONS, (*SAMPLE, "gru_cell_backward"))


@pytest.fixture(scope="module")
def everything():
    found = stored_answers(FUNCTIONS, TASKS)
    return {name: found[name] for name in TASKS}


def function(source, name):
    """A function of this source in the place where the named one stands."""
    scope = dict(vars(sys.modules[FUNCTIONS[name].__module__]))
    exec(compile(source, name, "exec"), scope)
    return scope[name]


def said(name, source, calls, **options):
    """What the check says of a source, or None."""
    try:
        check(function(source, name), calls[name], FUNCTIONS.get(partner(name)), **options)
    except Wrong as wrong:
        return str(wrong)


# ---- worked examples ---------------------------------------------------------------------------------------


def test_a_right_function_is_let_pass(sample):
    for name in SAMPLE:
        assert said(name, source_of(name), sample) is None


def test_a_wrong_output_is_named_with_its_place_its_call_and_the_calls_that_are_right(sample):
    words = said("lstm_cell_forward", edited("lstm_cell_forward", "np.tanh(a_g)", "sigmoid(a_g)"), sample)
    assert words.startswith(
        "lstm_cell_forward: 2 of 2 outputs wrong, with gate g, the others wide open\n  state[0][0, 0]: yours"
    )
    assert (
        "right is" in words
        and "8 of 8 entries wrong" in words
        and "right with: gate i, the others wide open" in words
    )


def test_exchanged_outputs_are_said_to_be(sample):
    words = said("lstm_cell_forward", edited("lstm_cell_forward", "return (h, c)", "return (c, h)"), sample)
    assert "it is what state[1] should be: exchanged?" in words


def test_a_tuple_is_a_tuple(sample):
    words = said("gru_cell_forward", edited("gru_cell_forward", "return (h,),", "return h,"), sample)
    assert "state must be a tuple of 1, got float64 (2, 4)" in words


def test_what_is_not_used_is_named(sample):
    words = said("step_forward", edited("step_forward", 'gh += params["bh"]', "pass"), sample)
    assert "it does not use params.bh" in words and "wrong with: " in words and "cell gru" in words


def test_a_wrong_gradient_is_named_with_its_gate_and_what_it_looks_like(sample):
    words = said("gru_cell_backward", edited("gru_cell_backward", "da_z, da_n * r]", "da_z, da_n]"), sample)
    assert "1 of 3 gradients wrong" in words and "right: gx, state_prev[0]" in words
    assert re.search(
        r"^  gh\[\d, \d+\]: yours is .*entries wrong\n    by gate: r right, z right, n wrong",
        words,
        re.MULTILINE,
    )


def test_a_gradient_that_the_formula_gives_without_the_forward_is_right(sample):
    source = "def softmax_backward(dy, y):\n    one = np.eye(y.shape[-1], dtype=y.dtype)\n"
    source += "    J = y[..., None] * (one - y[..., None, :])\n"
    assert said("softmax_backward", source + "    return (J * dy[..., None, :]).sum(axis=-1)", sample) is None


def test_float32_stays_float32(sample):
    words = said("softmax", edited("softmax", "return e /", "return e.astype(float) /"), sample)
    assert "with three axes, float32\n  result must be float32 (2, 3, 4), got float64 (2, 3, 4)" in words


def test_nothing_that_was_given_is_written_into(sample):
    source = "def softmax(x):\n    x -= x.max()\n    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)"
    assert (
        said("softmax", source, sample) == "softmax writes into x, with three axes"
    )
    source = (
        "def step_forward(gx, state, params, cell):\n    params['Wh'] = params['Wh'] + 0\n"
        + source_of("step_forward").partition('"""')[2].partition('"""')[2]
    )
    assert said("step_forward", source, sample).startswith(
        "step_forward changes params.Wh, which it was given"
    )


def test_in_place_means_into_the_array_that_is_there(sample):
    source = edited("adam_step", "theta -= (learning_rate", "params[layer][name] = theta - (learning_rate")
    assert "is another array than before: write in place" in said("adam_step", source, sample)


def test_a_backward_may_not_use_up_its_cache(sample):
    name = "gru_cell_backward"
    source = edited(name, "    dz = dh", "    r *= 0.5\n    dz = dh")
    assert said(name, source, sample) == f"{name} called twice gives two answers: does it change its cache?"


def test_the_right_exception_is_asked_for():
    name = "right_places"
    source = edited(name, '    check_choice("task", task, TASKS)\n', "")
    assert "it must raise ValueError, and it returns" in said(name, source, stored_answers(FUNCTIONS, [name]))


def test_a_backward_that_fits_its_own_wrong_forward_is_right_and_the_forward_is_not(sample):
    names = "gru_cell_forward", "gru_cell_backward"
    swapped = (edited(names[0], "r = sigmoid(gx_r + gh_r)", "r = 1 - sigmoid(gx_r + gh_r)"),
               edited(names[1], "da_r = sigmoid", "da_r = -sigmoid"))  # fmt: skip
    forward, backward = map(function, swapped, names)
    with pytest.raises(Wrong):
        check(forward, sample[names[0]])
    with pytest.raises(Wrong):
        check(backward, sample[names[1]], FUNCTIONS[names[0]])
    check(backward, sample[names[1]], forward, own=True)
    with pytest.raises(Wrong):
        check(FUNCTIONS[names[1]], sample[names[1]], forward, own=True)


def test_a_forward_and_a_backward_that_do_nothing_prove_nothing(sample):
    forward = function("def gru_cell_forward(gx, gh, state):\n    return state, (gx, gh)", "gru_cell_forward")
    nothing = "def gru_cell_backward(dstate, cache):\n    return 0 * cache[0], 0 * cache[1], (0 * dstate[0],)"
    with pytest.raises(Wrong):
        check(function(nothing, "gru_cell_backward"), sample["gru_cell_backward"], forward, own=True)


def test_a_cache_that_the_backward_cannot_use_is_told(sample):
    forward = function(edited("gru_cell_forward", "(r, z, n, gh_n", "(z, r, n, gh_n"), "gru_cell_forward")
    check(forward, sample["gru_cell_forward"])
    with pytest.raises(
        Wrong, match="with its cache gru_cell_backward goes wrong, which is not yours to change"
    ):
        check_cache(forward, FUNCTIONS["gru_cell_backward"], sample["gru_cell_backward"])


def test_other_draws_with_the_same_means_and_covariances_are_right():
    calls = stored_answers(FUNCTIONS, ("dropout_forward",))
    source = edited("dropout_forward", "(rng.random(x.shape) >= rate)", "rng.binomial(1, 1 - rate, x.shape)")
    assert said("dropout_forward", source, calls) is None
    source = source.replace("rng.binomial", "np.random.binomial")
    assert "draw from rng, and from nothing else" in said("dropout_forward", source, calls)
    source = edited("dropout_forward", "rng.random(x.shape)", "rng.random((*x.shape[:-1], 1))")
    assert "drawn 300 times, its covariances are not the right ones" in said("dropout_forward", source, calls)


# ---- mistakes in all chapters ------------------------------------------------------------------------------

MISTAKES = [edit[1:] for edit in read_edits((Path(__file__).parent / "mistakes.txt").read_text("utf-8"))]


def _outputs(call):
    return call.answer if isinstance(call.answer, dict) else ()


def assert_wrong(name, source, calls):
    """Wrong, and an output is named; or it crashes, and does not pass either."""
    try:
        check(function(source, name), calls[name], FUNCTIONS.get(partner(name)))
    except Wrong as wrong:
        parts = {
            re.split(r"[.[]", path)[0] for call in calls[name] for path in (*_outputs(call), *call.written)
        }
        named = re.search(
            r"^  (?!right|wrong)(\w+)[^:\n]*(:| must| is another)|drawn|must raise|writes into|in two places",
            str(wrong),
            re.MULTILINE,
        )
        assert named and (named[1] is None or named[1] in parts), wrong
        return
    except Exception:
        return
    pytest.fail(f"{name} with a mistake passes:\n{source}")


@pytest.mark.slow
@pytest.mark.parametrize("name, old, new", MISTAKES)
def test_a_mistake_is_found(everything, name, old, new):
    assert_wrong(name, edited(name, old, new), everything)


def test_a_mistake_in_each_function_of_a_sample_is_found(sample):
    found = [edit for edit in MISTAKES if edit[0] in sample]
    for name, old, new in found:
        assert_wrong(name, edited(name, old, new), sample)
    assert len(found) > 10


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS.values(), ids=list(DEFECTS))
def test_every_defect_of_the_zoo_is_found(everything, defect):
    if defect.function in TASKS:
        assert_wrong(defect.function, edited_sources(defect)[defect.module, defect.function], everything)


# ---- the calls ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_function_that_can_be_set_is_called_and_the_teacher_passes(everything):
    rough = []
    for name, calls in everything.items():
        assert len(calls) > 1 and not {call.name for call in calls} - {name}, name
        check(FUNCTIONS[name], calls, FUNCTIONS.get(partner(name)))
        dtypes = {a.dtype for call in calls for _, a in leaves(call.args) if isinstance(a, np.ndarray)}
        rough += [name] if np.dtype("float64") in dtypes and np.dtype("float32") not in dtypes else []
    assert not rough


@pytest.mark.slow
def test_every_option_is_used_in_a_call(everything):
    """Each parameter with a default has another value in some call."""
    for name in TASKS:
        for option in inspect.signature(FUNCTIONS[name]).parameters.values():
            given = [call.args.get(option.name, option.default) for call in everything[name]]
            unused = option.name == "rng" and "rng:     not used" in (FUNCTIONS[name].__doc__ or "")
            if option.default is not option.empty and not unused:
                assert any(
                    isinstance(value, np.ndarray) or value is RNG or value != option.default
                    for value in given
                ), (name, option.name)


def test_every_forward_has_a_mistake_and_every_call_by_hand_a_function():
    names = {name for name in TASKS if not name.endswith("_backward")}
    assert not names - {name for name, *_ in MISTAKES}
    assert not {name for name, *_ in by_hand("float64")} - TASKS.keys()
