"""Shared by the tests: how hypothesis draws, how values are made, how they are compared.

Hypothesis draws sizes and a seed; all values come from the seed. They are read-only, so that a function which
writes into what it was given fails wherever it is called.
"""

import pathlib

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st

# no shrinking: the arrays are small as they come, and whoever broke something wants to hear it at once
phases = (Phase.explicit, Phase.reuse, Phase.generate)
few = settings(max_examples=10, deadline=None, report_multiple_bugs=False, phases=phases)
very_few = settings(few, max_examples=3)  # where one example is expensive, or variants are many
seeds = st.integers(0, 2**32 - 1)


def sizes(count, smallest=2, largest=6):
    """Pairwise different sizes, so that nothing transposed can pass.

    Gradients are checked from size 2 on: the error is measured in units of the largest entry, and an only
    entry may be as good as zero by chance.
    """
    return st.lists(st.integers(smallest, largest), min_size=count, max_size=count, unique=True)


def sampled(names, *sample):
    """All names as parameters; those outside of the sample are slow."""
    return [pytest.param(name, marks=() if name in sample else pytest.mark.slow) for name in names]


def leaves(tree):
    """All arrays (and NumPy scalars) of nested dicts, tuples and lists."""
    if isinstance(tree, (np.ndarray, np.generic)):
        yield tree
    elif isinstance(tree, (dict, tuple, list)):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from leaves(branch)


def frozen(tree):
    """The same tree, its arrays read-only."""
    for array in leaves(tree):
        array.flags.writeable = False
    return tree


def normal(rng, *shape, dtype="float64"):
    return frozen(rng.standard_normal(shape).astype(dtype))


def padding_mask(rng, B, T):
    """Random lengths from 0 to T; the first row is full, so that something is real."""
    lengths = rng.integers(0, T + 1, B)
    lengths[:1] = T
    return frozen(np.arange(T) < lengths[:, None])


def pick(tree, axes, **picked):
    """Picked indices along named axes.

    pick({"x": x, "params": params}, {"x": "bt"}, t=[0, 1]) has the first two steps of x, and params whole.
    """

    def take(array, letters):
        for letter, index in picked.items():
            if letter in letters:
                array = array.take(index, axis=letters.index(letter))
        return array

    def take_all(branch, letters):
        return tuple(take(a, letters) for a in branch) if isinstance(branch, tuple) else take(branch, letters)

    return {name: take_all(branch, axes.get(name, "")) for name, branch in tree.items()}


def assert_close(got, want, tolerance=1e-12):
    """Equal up to rounding: same nesting, same names, same shapes."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        got, want = [got[name] for name in want], list(want.values())
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want)
        for pair in zip(got, want):
            assert_close(*pair, tolerance)
    else:
        assert np.shape(got) == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def frozen_answers(name):
    """tests/reference/NAME.npz as nested dicts: `additive.params.v` is answers["additive"]["params"]["v"]."""
    answers = {}
    with np.load(pathlib.Path(__file__).parent / "reference" / f"{name}.npz") as stored:
        for path in stored:
            *branches, last = path.split(".")
            branch = answers
            for key in branches:
                branch = branch.setdefault(key, {})
            branch[last] = frozen(stored[path])
    return answers
