"""The checker knows right from wrong, suspects the forward too, and explains what it finds."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_seq2seq import gradcheck_message
from numpy_seq2seq.gradcheck import GradientError, check_gradients, check_pair
from numpy_seq2seq.gradcheck_numeric import STEP, numeric_gradient

from .helpers import few, seeds

both_methods = pytest.mark.parametrize("method", ("central", "complex"))
X = np.random.default_rng(1).normal(size=(4, 3))


def sin_forward(x):
    return np.sin(x), x


def sin_backward(dy, cache):
    return dy * np.cos(cache)


def times_forward(x, y):
    return x * y, (x, y)


def times_backward(dz, cache):
    x, y = cache
    return dz * y, dz * x


def complaint(forward, backward, args, **options):
    """What check_pair says of a faulty pair."""
    with pytest.raises(GradientError) as caught:
        check_pair(forward, backward, args, **options)
    return str(caught.value)


def complaint_about(said, right, name="x", **options):
    """What check_gradients says where backward says `said` and the gradient is `right`."""
    at = {name: np.zeros(right.shape)}
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda tree: (tree[name] * right).sum(), at, {name: said}, **options)
    return str(caught.value)


# ---- the numbers -------------------------------------------------------------------------------------------

DERIVATIVES = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "quotient": (lambda x: 1 / (2 + x**2), lambda x: -2 * x / (2 + x**2) ** 2),
}


@pytest.mark.parametrize("name", DERIVATIVES)
@few
@given(shape=st.lists(st.integers(1, 4), max_size=3), seed=seeds)
def test_numeric_gradient_of_known_functions(name, shape, seed):
    function, derivative = DERIVATIVES[name]
    x, weights = np.random.default_rng(seed).normal(size=(2, *shape))
    x, weights = np.asarray(x), np.asarray(weights)
    expected = (weights * derivative(x)).reshape(-1)
    allowed = np.abs(function(x) * weights).sum() + np.abs(expected).max()
    for method, dtype, precision in (("central", float, 1e-9), ("complex", complex, 1e-14)):
        at = x.astype(dtype)
        got = numeric_gradient(lambda: (function(at) * weights).sum(), at, method)
        np.testing.assert_allclose(got, expected, rtol=0, atol=precision * allowed)
        np.testing.assert_array_equal(at, x)  # it was written, and put back


def test_numeric_gradient_has_an_error_of_fourth_order():
    x, h = np.zeros(1), STEP["central"]
    assert numeric_gradient(lambda: (x**4).sum(), x) == 0
    assert numeric_gradient(lambda: (x**5).sum(), x) == pytest.approx(-4 * h**4, rel=1e-12)


@both_methods
def test_numeric_gradient_of_some_entries(method):
    x = X.astype(complex if method == "complex" else float)
    got = numeric_gradient(lambda: np.sin(x).sum(), x, method, entries=[7, 2])
    np.testing.assert_allclose(got, np.cos(X).reshape(-1)[[7, 2]], atol=1e-11)


@both_methods
def test_numeric_gradient_of_a_view(method):
    x = X.astype(complex if method == "complex" else float)
    for view, real in ((x.T, X.T), (x[::2, 1:], X[::2, 1:])):
        got = numeric_gradient(lambda: np.sin(view).sum(), view, method)
        np.testing.assert_allclose(got, np.cos(real).reshape(-1), atol=1e-11)


# ---- right pairs pass --------------------------------------------------------------------------------------


class Two(NamedTuple):
    left: np.ndarray
    right: np.ndarray
    mask: None


def nested_forward(two, state, params, ids, flag):
    """All that may be an argument: a NamedTuple, a tuple in a tuple, two levels of dict, ids, a flag."""
    a, (b,) = state
    y = np.sin(two.left) * params["layer"]["W"] + two.right[ids]
    return y, (a * b,), (two, state, params, ids)


def nested_backward(dy, dproduct, cache):
    two, (a, (b,)), params, ids = cache
    dright = np.zeros_like(two.right)
    np.add.at(dright, ids, dy)
    dleft, dW = dy * np.cos(two.left) * params["layer"]["W"], (dy * np.sin(two.left)).sum(axis=0)
    (dproduct,) = dproduct
    return Two(dleft, dright, None), (dproduct * b, (dproduct * a,)), {"layer": {"W": dW}}


def nested_args():
    rng = np.random.default_rng(2)
    left, right, a, b, W = (rng.normal(size=s) for s in ((4, 3), (5, 3), 2, 2, 3))
    return Two(left, right, None), (a, (b,)), {"layer": {"W": W}}, np.array([3, 0, 3, 1]), True


NAMES = ["two.left", "two.right", "state[0]", "state[1][0]", "params.layer.W"]


@both_methods
def test_check_pair_passes_a_right_pair_in_any_nesting(method):
    errors = check_pair(nested_forward, nested_backward, nested_args(), method=method)
    assert list(errors) == NAMES
    assert max(errors.values()) < {"central": 1e-9, "complex": 1e-14}[method]


@pytest.mark.parametrize("wrong", NAMES)
def test_check_pair_names_the_wrong_array_and_the_right_ones(wrong):
    def backward(*upstream):
        two, state, params = nested_backward(*upstream)
        for name, array in zip(NAMES, (two.left, two.right, state[0], state[1][0], params["layer"]["W"])):
            array *= 1.001 if name == wrong else 1
        return two, state, params

    text = complaint(nested_forward, backward, nested_args())
    assert f"\n  {wrong}[" in text and "1 of 5 gradients are wrong" in text
    assert f"(right: {', '.join(name for name in NAMES if name != wrong)})" in text


LAYOUTS = {"transposed": X.T, "strided": X[::2], "0-d": np.array(0.3), "scalar": X[0, 0]}


@both_methods
@pytest.mark.parametrize("x", LAYOUTS.values(), ids=LAYOUTS)
def test_check_pair_takes_any_layout(x, method):
    check_pair(sin_forward, sin_backward, (x,), method=method)


def test_check_pair_takes_a_scalar_output():
    check_pair(lambda x: ((x**2).sum(), x), lambda dloss, x: dloss * 2 * x, (X,))


def test_check_pair_takes_an_empty_state_and_no_parameters():
    def backward(dy, x):
        return sin_backward(dy, x), (), {}

    check_pair(lambda x, state, params: sin_forward(x), backward, (X, (), {}))


def test_check_pair_of_the_same_array_twice_keeps_two_gradients_apart():
    check_pair(times_forward, times_backward, (X, X))
    assert "  x[" in complaint(times_forward, lambda dz, cache: (2 * dz * X, dz * X), (X, X))


@pytest.mark.parametrize("backward", (sin_backward, lambda dy, x: -dy), ids=("right", "wrong"))
def test_check_pair_leaves_everything_as_it_was(backward):
    x, kept = X.copy(), []

    def forward(x):
        whole = np.stack([x, x])
        kept.extend([whole, whole[0]])  # the owner of the data, and a view
        return np.sin(x), whole[0]

    try:
        check_pair(forward, backward, (x,))
    except GradientError:
        pass
    np.testing.assert_array_equal(x, X)
    assert all(a.flags.writeable for a in (x, *kept))


# ---- refusals ----------------------------------------------------------------------------------------------


def test_check_pair_refuses_a_gradient_of_zero():
    text = complaint(lambda x, y: (x + 0 * y, None), lambda dz, _: (dz, 0 * dz), (X, X))
    assert "the gradient of y is zero" in text and "proves nothing" in text


def test_check_gradients_refuses_a_softmax_under_ones():
    def loss(tree):
        e = np.exp(tree["x"])
        return (e / e.sum()).sum() - 1  # one in exact arithmetic, whatever x

    with pytest.raises(GradientError):
        check_gradients(loss, {"x": np.zeros(4)}, {"x": np.zeros(4)})


def test_check_pair_refuses_the_wrong_number_of_gradients():
    assert "returned 3 gradients; by the mirror rule it owes 2: of x, y" in complaint(
        times_forward, lambda dz, _: (dz, dz, dz), (X, X)
    )


@pytest.mark.parametrize("result", (None, X, {"x": X, "y": X}), ids=("forgotten return", "array", "dict"))
def test_check_pair_refuses_one_thing_where_two_are_owed(result):
    assert "it owes 2: of x, y" in complaint(times_forward, lambda dz, _: result, (X, X))


def test_check_pair_refuses_a_wrong_shape():
    text = complaint(sin_forward, lambda dy, x: (dy * np.cos(x)).T, (X,))
    assert "must return a gradient of x" in text and "(4, 3)" in text and "(3, 4)" in text


def test_check_pair_refuses_a_forgotten_return():
    assert "must return a gradient of x" in complaint(sin_forward, lambda dy, x: None, (X,))


def test_check_pair_refuses_another_dtype():
    assert "float32" in complaint(sin_forward, lambda dy, x: sin_backward(dy, x).astype("float32"), (X,))


def params_forward(x, params):
    return x * params["w"] + params["b"], (x, params)


def params_backward(dy, cache):
    x, params = cache
    return dy * params["w"], {"w": (dy * x).sum(axis=0), "b": dy.sum(axis=0)}


def test_check_pair_refuses_a_missing_parameter():
    def backward(*upstream):
        dx, grads = params_backward(*upstream)
        return dx, {"w": grads["w"]}

    args = X, {"w": X[0], "b": X[1]}
    check_pair(params_forward, params_backward, args)
    text = complaint(params_forward, backward, args)
    assert "params.b" in text and "none" in text


def test_check_pair_refuses_a_gradient_that_nobody_asked_for():
    def backward(*upstream):
        dx, grads = params_backward(*upstream)
        return dx, {**grads, "bias": grads["b"]}

    assert "params.bias" in complaint(params_forward, backward, (X, {"w": X[0], "b": X[1]}))


def writes_into_cache(dy, x):
    return np.multiply(dy, np.cos(x), out=x)


def writes_into_upstream(dy, x):
    dy *= np.cos(x)
    return dy


@pytest.mark.parametrize("backward", (writes_into_cache, writes_into_upstream))
def test_check_pair_refuses_a_backward_that_writes(backward):
    text = complaint(sin_forward, backward, (X,))
    assert f"{backward.__name__} writes into an array that it was given" in text


def test_check_pair_refuses_a_backward_that_writes_into_the_arguments():
    x = X.copy()

    def backward(dy, cache):
        x[...] = 0
        return dy * np.cos(cache)

    assert "writes into an array" in complaint(lambda x: (np.sin(x), x.copy()), backward, (x,))


def test_check_pair_refuses_two_answers():
    factors = iter((1, 2))
    assert "called twice" in complaint(sin_forward, lambda dy, x: next(factors) * sin_backward(dy, x), (X,))


def test_check_pair_refuses_a_backward_that_uses_up_its_cache():
    def forward(x):
        return np.sin(x), [x]

    assert "called twice" in complaint(forward, lambda dy, cache: sin_backward(dy, cache.pop()), (X,))


def test_check_pair_hands_on_the_errors_of_backward():
    def backward(dy, cache):
        raise NotImplementedError("your turn")

    with pytest.raises(NotImplementedError, match="your turn"):
        check_pair(sin_forward, backward, (X,))


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
@pytest.mark.parametrize("scale", (1, 1e-3))
def test_check_pair_refuses_what_is_not_a_number(value, scale):
    def backward(dy, x):
        dx = scale * sin_backward(dy, x)
        dx[2, 1] = value
        return dx

    text = complaint(lambda x: (scale * np.sin(x), x), backward, (X,))
    assert "x[2, 1]" in text and "1 of 12 entries" in text and "looks like: not a number" in text


# ---- faults of the forward, where backward is right --------------------------------------------------------


def softmax_in_place(x):
    x -= x.max(axis=1, keepdims=True)
    y = np.exp(x)
    y /= y.sum(axis=1, keepdims=True)
    return y, y


def softmax_backward(dy, y):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def doubled(x):
    x *= 2
    return x.copy(), None


@both_methods
def test_check_pair_refuses_a_forward_that_writes(method):
    for forward, backward in ((softmax_in_place, softmax_backward), (doubled, lambda dy, _: 2 * dy)):
        text = complaint(forward, backward, (X.copy(),), method=method)
        assert text == f"{forward.__name__} writes into an array that it was given (its argument)"


@both_methods
def test_check_pair_refuses_a_random_forward(method):
    rng = np.random.default_rng(0)

    def dropout(x):
        kept = 2 * (rng.random(x.shape) < 0.5)
        return x * kept, kept

    text = complaint(dropout, lambda dy, kept: dy * kept, (X,), method=method)
    assert text == "dropout called twice gives two answers (at [0]): does it draw random numbers?"


WITHOUT_A_CACHE = {"ndarray": np.tanh, "list": lambda x: [x, x], "tuple": lambda x: (x,)}


@pytest.mark.parametrize("got", WITHOUT_A_CACHE)
def test_check_pair_refuses_a_forward_without_a_cache(got):
    text = complaint(WITHOUT_A_CACHE[got], sin_backward, (X,))
    assert f"must return its outputs and a cache, as a tuple; got one {got}" in text


@pytest.mark.parametrize("value", (np.nan, np.inf))
def test_check_pair_refuses_a_forward_that_is_not_finite(value):
    def forward(x):
        y = np.sin(x)
        y[2, 1] = value
        return y, x

    assert f"forward gives {value} in output [0]" in complaint(forward, sin_backward, (X,))
    with pytest.raises(GradientError, match=f"gives {value} here"):
        check_gradients(lambda tree: value * tree["x"].sum(), {"x": X}, {"x": X})


@both_methods
def test_check_pair_refuses_a_kink(method):
    at_kink = X.copy()
    at_kink[0, 0] = 0
    text = complaint(relu, lambda dy, x: dy * (x > 0), (at_kink,), method=method)
    assert "cannot be checked here: the forward has a kink at x[0, 0] (slope 0 on its left, 0.1257" in text
    tied = np.array([[1.0, 1.0, 0.0], [2.0, 3.0, 4.0]])
    text = complaint(row_max, row_max_backward, (tied,))
    assert "kink at x[0, 0] (slope 0 on its left, 0.1257" in text and "and at 1 more" in text


def relu(x):
    return np.maximum(x, 0), x


def row_max(x):
    return x.max(axis=1), x


def row_max_backward(dy, x):
    return dy[:, None] * (x == x.max(axis=1, keepdims=True))


def test_check_pair_passes_what_has_kinks_elsewhere():
    """2,000 normal numbers: many of them within the first step of the kink, and none within the last."""
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(20, 100))
        check_pair(relu, lambda dy, x: dy * (x > 0), (x,))
    check_pair(row_max, row_max_backward, (X,))


def test_check_pair_does_not_blame_a_kink_for_a_wrong_backward():
    at_kink = X.copy()
    at_kink[0, 0] = 0
    text = complaint(relu, lambda dy, x: 2 * dy * (x > 0), (at_kink,))
    assert "1 of 1 gradients are wrong" in text and "kink" not in text
    assert "kink" not in complaint(lambda x: (x**3, x), lambda dy, x: dy + x, (np.zeros((2, 3)) + 1e-3,))


def test_check_pair_does_not_take_rounding_for_a_kink():
    """Over the smallest steps the slopes of a sine differ by rounding alone; one entry is wrong."""
    for seed in range(200):
        x = np.random.default_rng(seed).normal(size=4)
        text = complaint(sin_forward, lambda dy, x: sin_backward(dy, x) * [2, 1, 1, 1], (x,), seed=seed)
        assert "1 of 1 gradients are wrong" in text


SCALES = {
    "x of 1e8": (lambda x: (x**2, x), lambda dy, x: 2 * dy * x, 1e8 * X),
    "x of 1e-8": (lambda x: (1e8 * x**2 + x, x), lambda dy, x: dy * (2e8 * x + 1), 1e-8 * X),
    "log near 0": (lambda x: (np.log(x), x), lambda dy, x: dy / x, np.geomspace(1e-4, 1, 5)),
    "1 / x near 0": (lambda x: (1 / x, x), lambda dy, x: -dy / x**2, np.geomspace(0.01, 0.02, 5)),
    "steep": (lambda x: (np.tanh(100 * x), x), lambda dy, x: 100 * dy / np.cosh(100 * x) ** 2, 0.01 * X),
    "beside a large number": (lambda x: (x + 1e6, x), lambda dy, x: dy, X),
    "large and small": (lambda x: (x**3, x), lambda dy, x: 3 * dy * x**2, np.geomspace(1e-3, 1e3, 7)),
}


@both_methods
@pytest.mark.parametrize("forward, backward, x", SCALES.values(), ids=SCALES)
def test_check_pair_passes_at_any_scale_and_still_finds_a_thousandth(forward, backward, x, method):
    check_pair(forward, backward, (x,), method=method)
    text = complaint(forward, lambda dy, x: 1.001 * backward(dy, x), (x,), method=method)
    assert "1 of 1 gradients are wrong" in text and "error 1.0e-03 × the largest" in text


def test_check_pair_names_the_method_that_passes():
    fast = lambda x: (np.sin(1e7 * x), x)  # noqa: E731
    text = complaint(fast, lambda dy, x: 1e7 * dy * np.cos(1e7 * x), (X,))
    assert "method='complex' finds backward right: central differences are too coarse" in text
    assert "finds backward right" not in complaint(fast, lambda dy, x: dy, (X,))
    text = complaint(lambda x: (x * np.abs(x), x), lambda dy, x: 2 * dy * np.abs(x), (X,), method="complex")
    assert "method='central' finds backward right: this forward is not analytic" in text


def test_check_pair_says_when_a_forward_takes_no_complex_numbers():
    for forward in (lambda x: (np.abs(x), x), lambda x: (np.cbrt(x), x), lambda x: (np.array(x, float), x)):
        with pytest.raises(ValueError, match="does not take complex numbers; pass method='central'"):
            check_pair(forward, lambda dy, x: dy * np.sign(x), (X,), method="complex")


# ---- options -----------------------------------------------------------------------------------------------


def first_forward(x, pair):
    return np.sin(x), x


@both_methods
def test_check_pair_unused(method):
    def backward(dy, x):
        return sin_backward(dy, x), (np.zeros(2), np.zeros(3))

    args = X, (np.ones(2), np.ones(3))
    check_pair(first_forward, backward, args, method=method, unused=("pair",))
    check_pair(first_forward, backward, args, method=method, unused=("pair[0]", "pair[1]"))
    assert "pair[1] is zero" in complaint(first_forward, backward, args, method=method, unused=("pair[0]",))


def test_check_pair_unused_must_have_exactly_no_gradient():
    def backward(dy, x):
        return sin_backward(dy, x), (np.zeros(2), np.array([0, 1e-15, 0]))

    text = complaint(first_forward, backward, (X, (np.ones(2), np.ones(3))), unused=("pair",))
    assert "  pair[1][1]" in text and "looks like: it should be zero" in text
    assert "1 of 3 entries wrong, error inf × the largest, allowed 1e-07" in text


def test_check_pair_unused_is_a_whole_name():
    """W is not used; Wx, which begins alike, is, and may not be called unused with it."""
    forward = lambda params: (np.sin(params["Wx"]), params["Wx"])  # noqa: E731
    backward = lambda dy, x: {"W": np.zeros(2), "Wx": dy * np.cos(x)}  # noqa: E731
    check_pair(forward, backward, ({"W": np.ones(2), "Wx": X},), unused=("params.W",))


def test_check_pair_tolerance_may_be_smaller_than_the_usual_one():
    slightly = lambda dy, x: sin_backward(dy, x) * (1 + 1e-9)  # noqa: E731
    check_pair(sin_forward, slightly, (X,))
    assert "allowed 1e-10" in complaint(sin_forward, slightly, (X,), tolerance=1e-10)


def test_check_pair_unused_must_be_true():
    assert "x is said to be unused" in complaint(sin_forward, sin_backward, (X,), unused=("x",))


def test_check_pair_looked_at():
    def forward(x):
        return x**2, np.sin(x), x, x  # the second is there to be looked at

    check_pair(forward, lambda dy, dz, x: 2 * x * dy + dz, (X,), looked_at=(1,))
    check_pair(forward, lambda dy, x: 2 * x * dy, (X,), looked_at=(1, 2))
    check_pair(forward, lambda dy, dw, dz, x: 2 * x * dy + dw * np.cos(x) + dz, (X,))


@pytest.mark.parametrize("method, calls", (("central", 4), ("complex", 1)))
def test_check_gradients_samples(method, calls):
    x, seen = np.ones((30, 40)), []

    def loss(tree):
        seen.append(tree)
        return (tree["x"] ** 2).sum()

    check_gradients(loss, {"x": x}, {"x": 2 * x}, method=method, samples=5)
    assert len(seen) == 1 + 5 * calls  # once to see whether it takes such arrays


def test_check_gradients_samples_find_a_fault_of_the_whole_array():
    assert "1.001 ×" in complaint_about(1.001 * X, X, samples=1)


def test_check_gradients_samples_look_at_the_largest_entries_first():
    right = np.where(np.arange(500) == 321, 9.0, 1.0)
    for seed in range(5):
        text = complaint_about(np.where(right == 9, 8.9, 1.0), right, samples=2, seed=seed)
        assert "x[321]" in text


def test_check_gradients_samples_differ_from_seed_to_seed():
    said = X + np.eye(4, 3)  # wrong at a quarter of the entries

    def passes(seed):
        try:
            check_gradients(lambda tree: (tree["x"] * X).sum(), {"x": X}, {"x": said}, samples=1, seed=seed)
        except GradientError:
            return False
        return True

    assert {passes(seed) for seed in range(40)} == {True, False}


def test_check_pair_complex_sees_what_central_does_not():
    def backward(dy, x):
        return sin_backward(dy, x) * (1 + 1e-9)

    check_pair(sin_forward, backward, (X,), method="central")
    assert "allowed 1e-12" in complaint(sin_forward, backward, (X,), method="complex")


def test_check_gradients_tolerance():
    tree, said = {"x": X}, {"x": 2.002 * X}
    errors = check_gradients(lambda tree: (tree["x"] ** 2).sum(), tree, said, tolerance=0.01)
    assert errors["x"] == pytest.approx(0.001)
    with pytest.raises(GradientError, match="allowed 1e-04"):
        check_gradients(lambda tree: (tree["x"] ** 2).sum(), tree, said, tolerance=1e-4)


# ---- the explanation ---------------------------------------------------------------------------------------

RIGHT = np.random.default_rng(3).normal(size=(2, 5, 4))  # (B, T, ·)
SQUARE = np.random.default_rng(4).normal(size=(3, 3))


def changed(array, where, how):
    array = array.copy()
    array[where] = how(array[where])
    return array


def test_check_gradients_explains_which_entry():
    text = complaint_about(changed(X, (2, 1), lambda x: x + 7), X)
    assert text.startswith("backward: 1 of 1 gradients are wrong")
    assert f"x[2, 1]: backward says {X[2, 1] + 7:.6g}, the forward pass {X[2, 1]:.6g}" in text
    assert "1 of 12 entries wrong" in text
    assert "looks like" not in text  # one number alone has a ratio, but no meaning


def test_check_gradients_explains_a_scalar():
    assert "  x: backward says 3, the forward pass 2" in complaint_about(np.array(3.0), np.array(2.0))


EXACTLY = "the wrong entries are exactly"
GUESSES = {
    "flipped": (-RIGHT, "the sign of the wrong entries is flipped"),
    "half flipped": (changed(RIGHT, np.s_[1], np.negative), "the sign of the wrong entries is flipped"),
    "one flipped": (changed(RIGHT, np.s_[0, 0, 0], np.negative), "the sign of the wrong entries is flipped"),
    "zero": (0 * RIGHT, "it is zero: never computed, or never added"),
    "partly zero": (changed(RIGHT, np.s_[..., 2], np.zeros_like), "the wrong entries are zero: never"),
    "slightly off": (1.001 * RIGHT, f"{EXACTLY} 1.001 × the right ones: a factor too many or too few"),
    "another mean": (-0.6 * RIGHT, f"{EXACTLY} -0.6 × the right ones: a factor too many or too few"),
    "times T": (5 * RIGHT, f"{EXACTLY} 5 × the right ones: counted 5 times, or a sum where"),
    "over T": (RIGHT / 5, f"{EXACTLY} 0.2 × the right ones: divided by 5, or a mean where"),
    "transposed": (SQUARE.T, "the transpose of the right gradient"),
    "no future": (changed(RIGHT, np.s_[:, :-1], np.tanh), "right at the last step and wrong before it"),
    "no past": (changed(RIGHT, np.s_[:, 1:], np.tanh), "right at the first step and wrong after it"),
}


@pytest.mark.parametrize("said, guess", GUESSES.values(), ids=GUESSES)
def test_check_gradients_guesses(said, guess):
    assert f"    looks like: {guess}" in complaint_about(said, SQUARE if said.ndim == 2 else RIGHT)


def test_check_gradients_explains_which_step():
    text = complaint_about(changed(RIGHT, np.s_[:, [1, 3]], np.tanh), RIGHT)
    assert "by step: wrong at 1, 3 of 0 to 4" in text and "looks like" not in text
    assert "by step" not in complaint_about(np.tanh(RIGHT), RIGHT)


@pytest.mark.parametrize("name", gradcheck_message.GATED)
def test_check_gradients_explains_which_gate(name):
    said = changed(RIGHT, np.s_[..., 2], np.tanh)
    assert "by gate: i right, f right, o wrong, g right" in complaint_about(said, RIGHT, name, gates="ifog")
    assert "by gate" not in complaint_about(said, RIGHT, name)
    assert "by gate" not in complaint_about(said, RIGHT, "x", gates="ifog")


def test_check_gradients_guesses_swapped_gates():
    text = complaint_about(RIGHT[..., [1, 0, 2, 3]], RIGHT, "gx", gates="ifog")
    assert "by gate: i wrong, f wrong, o right, g right" in text
    assert "looks like: block i holds the gradient of gate f" in text


def test_check_gradients_says_nothing_it_does_not_know():
    assert "looks like" not in complaint_about(np.tanh(RIGHT), RIGHT, "gx", gates="ifog")
