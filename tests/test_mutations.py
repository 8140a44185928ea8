"""Tests of the tests: does each check notice what it is there for, and does it say the right thing?

The mistakes that people make are in the bug zoo (demos/bug_zoo), and tests/demos/test_zoo.py holds that
somebody notices each of them. Here: what the gradient check says of some of them; that no damage of a
gradient passes; and that an error of a thousandth in any backward of the package is noticed.
"""

import itertools
import pathlib
import re
import textwrap

import numpy as np
import pytest

import numpy_seq2seq
from demos.bug_zoo.defects import DEFECTS, Defect, Edit, at_large, source_of
from demos.bug_zoo.detectors import DETECTORS, ask, look, pair_fits, pairs
from demos.bug_zoo.matrix import runs
from numpy_seq2seq.gradcheck import GradientError, check_pair

from .helpers import sampled


# ---- what the gradient check says of a mistake -------------------------------------------------------------

SAID = {
    "future_dropped": ("\n  x[", "by step: wrong at 0, 1, 2 of 0 to 3"),
    "recurrent_Wh_not_transposed": ("\n  x[", "by step: wrong at 0, 1 of 0 to 3"),
    "bias_over_wrong_axis": ("must return a gradient of params.b",),
    "bias_axis_forgotten": ("must return a gradient of params.b, float64 (5,), got float64 ()",),
    "tanh_at_the_wrong_place": ("\n  gx[", "\n  state[1][", "i wrong, f wrong, o right, g wrong"),
    "gates_swapped_in_backward": ("looks like: block i holds the gradient of gate f",),
    "reset_gate_forgotten": ("\n  gh[", "right: gx, state[0]", "r right, z right, n wrong"),
    "upstream_overwritten": ("writes into an array",),
    "cache_overwritten": ("writes into an array that it was given (its argument)",),
    "embedding_rows_counted_once": ("\n  params.E[1",),
    "loss_and_gradient_disagree": ("looks like: the wrong entries are exactly 2.5 × the right ones",),
    "norm_gradient_without_means": ("\n  x[", "right: params.g, params.b"),
}
PAIR_LOOKS = [look(pair_fits, *pair, "complex") for pair in pairs()]


@pytest.mark.parametrize("name", SAID)
def test_the_gradient_check_says_what_is_wrong(name):
    asked = [look for look in PAIR_LOOKS if runs(look, DEFECTS[name])][:2]
    with at_large(DEFECTS[name]):
        said = "\n".join(ask([look]) for look in asked)
    assert all(text in said for text in SAID[name]), said


READING, WRITING = {"source_embedding", "encoder", "encoder_reverse"}, {"target_embedding", "decoder"}


@pytest.mark.parametrize(
    "name, wrong", (("keys_path_forgotten", READING), ("query_path_forgotten", READING | WRITING))
)
def test_a_path_forgotten_is_seen_in_what_lies_behind_it(name, wrong):
    with at_large(DEFECTS[name]):
        said = ask(DETECTORS[1].looks)
    assert said.startswith("luong: whole model") and set(re.findall(r"\n  (\w+)\[", said)) == wrong


# ---- any gradient of any function, damaged in any of four ways ---------------------------------------------


def largest_flipped(gradient):
    at = np.abs(gradient).argmax()
    return np.where(np.arange(gradient.size).reshape(gradient.shape) == at, -gradient, gradient)


DAMAGE = {
    "times 1.001": lambda gradient: 1.001 * gradient,
    "one sign flipped": largest_flipped,
    "never computed": np.zeros_like,
    "not a number": lambda gradient: gradient * np.nan,
}


def damaged(tree, k, damage):
    """The tree with its k-th array damaged."""
    position = itertools.count()

    def walk(branch):
        if isinstance(branch, dict):
            return {name: walk(b) for name, b in branch.items()}
        if isinstance(branch, (tuple, list)):
            return tuple(walk(b) for b in branch)
        if isinstance(branch, np.ndarray) and next(position) == k:
            return damage(branch) if branch.any() else branch + 1  # what is rightly zero becomes one
        return branch

    return walk(tree)


@pytest.mark.parametrize("damage", sampled(DAMAGE, "times 1.001"))
@pytest.mark.parametrize("pair", [*pairs()], ids=lambda pair: pair[1].__name__)
def test_no_damaged_gradient_passes_under_a_wrong_name(pair, damage):
    forward, backward, args, options = pair
    options = {**options, "method": "complex", "samples": 4}
    errors, named = check_pair(forward, backward, args, **options), []
    for k in range(len(errors)):
        with pytest.raises(GradientError) as caught:
            check_pair(forward, lambda *upstream: damaged(backward(*upstream), k, DAMAGE[damage]), args,
                       **options)
        assert f": 1 of {len(errors)} gradients are wrong" in str(caught.value)
        named += [name for name in errors if f"\n  {name}[" in str(caught.value)]
    assert sorted(named) == sorted(errors)


# ---- an error of a thousandth in any backward --------------------------------------------------------------

BACKWARDS = {
    name: path.stem
    for path in sorted(pathlib.Path(numpy_seq2seq.__file__).parent.glob("*.py"))
    for name in re.findall(r"^def ([a-z]\w*_backward)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def slightly_larger(tree):
    if isinstance(tree, dict):
        return {name: slightly_larger(branch) for name, branch in tree.items()}
    if isinstance(tree, tuple):
        return getattr(tree, "_make", tuple)([slightly_larger(branch) for branch in tree])
    return tree if tree is None else tree * 1.001


def slightly_off(name):
    """The defect that all that a function returns is a thousandth too large."""
    source = source_of(BACKWARDS[name], name)
    wrapped = (
        f"def {name}(*arguments):\n{textwrap.indent(source, '    ')}\n"
        "    from tests.test_mutations import slightly_larger\n\n"
        f"    return slightly_larger({name}(*arguments))\n"
    )
    return Defect("", name, "", "", (Edit(BACKWARDS[name], name, source, wrapped),))


@pytest.mark.parametrize("name", sampled(BACKWARDS, *list(BACKWARDS)[::9]))
def test_a_thousandth_is_noticed_in_any_gradient(name):
    defect = slightly_off(name)
    looks = [look for look in DETECTORS[1].looks if runs(look, defect)]
    with at_large(defect):
        assert ask(looks)
