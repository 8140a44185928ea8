"""Appendix: shapes. Which arrays an initialiser makes, without making them.

It stands apart. seq2seq.py asks it whether parameters and a configuration are of the same model, and
checkpoint.py what a file must hold: a configuration that somebody wrote into a file may ask for a model that
is larger than any memory.

    >>> def init(rng, size):
    ...     return {"layer": {"W": rng.uniform(-1, 1, (size, 4 * size)).astype("float32"), "b": np.zeros(4)}}
    >>> parameter_shapes(init, 10**6)
    {'layer': {'W': (1000000, 4000000), 'b': (4,)}}

The initialiser itself is run, with a generator that draws weightless arrays: one zero, seen as many times as
the shape says.
"""

import math

import numpy as np


def parameter_shapes(init, config, most=np.inf):
    """{layer: {name: shape}} of init(rng, config).

    Raises:
        ValueError: it draws more than `most` numbers.
    """
    params = init(_Draws(most), config)
    return {layer: {name: array.shape for name, array in part.items()} for layer, part in params.items()}


class _Draws(np.random.Generator):
    """A random generator whose matrices are weightless, and hold no more numbers than there may be."""

    def __init__(self, most):
        super().__init__(np.random.default_rng(0).bit_generator)
        self.most = most

    def standard_normal(self, shape):
        self.most -= math.prod(shape)
        if self.most < 0:
            raise ValueError("its config asks for a larger model")
        return _weightless(shape)

    def uniform(self, low, high, shape):
        return self.standard_normal(shape)


class _Weightless(np.ndarray):
    """What initialisers do to their draws, done to the shape alone. All else NumPy does as ever."""

    def astype(self, dtype):
        return self

    def __truediv__(self, number):
        return self

    def __array_function__(self, function, types, args, kwargs):
        if function is np.linalg.qr:
            return self, self
        if function in (np.hstack, np.concatenate):
            return _weightless((len(self), sum(part.shape[1] for part in args[0])))
        return super().__array_function__(function, types, args, kwargs)


def _weightless(shape):
    return _Weightless(shape, buffer=bytes(8), strides=(0,) * len(shape))  # one number, read everywhere
