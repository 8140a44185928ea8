"""Appendix: shapes. Which parameters a configuration asks for, and whether these are they.

Before this: seq2seq.py. After it: optim.py.

Whoever keeps parameters and a configuration in two places can mix them up, and many mixtures run: a model of two
layers read as one of one layer gives a loss, and a wrong one.

Not here: the parameters' first values (seq2seq.py), files (checkpoint.py).
"""

from dataclasses import replace

import numpy as np

from .seq2seq import seq2seq_init

TINY = {"source_vocabulary": 4, "target_vocabulary": 4, "embedding_size": 2, "hidden_size": 2}


def parameter_shapes(config):
    """{layer: {name: shape}} of seq2seq_init(rng, config), without making a model that may be huge.

    Every side of every array is a sum of multiples of the four sizes, so that five tiny models tell it:

        side = tiny side + Σ (what it grows by when this size grows by 2) · (size − tiny size) / 2
    """
    if config.heads is not None:
        return {k: {n: a.shape for n, a in part.items()} for k, part in seq2seq_init(np.random.default_rng(0), config).items()}

    def tiny(**larger):
        return seq2seq_init(np.random.default_rng(0), replace(config, **{**TINY, **larger}))

    def shape(layer, name):
        sides = np.array(base[layer][name].shape, object)  # whole numbers without limit
        grown = {k: model[layer][name].shape - sides for k, model in larger.items()}
        return tuple(sides + sum(step * (getattr(config, k) - TINY[k]) // 2 for k, step in grown.items()))

    base, larger = tiny(), {k: tiny(**{k: size + 2}) for k, size in TINY.items()}
    return {layer: {name: shape(layer, name) for name in arrays} for layer, arrays in base.items()}


def check_params(params, config):
    """Raise ValueError, naming the first fault, unless these are finite parameters of such a model."""
    want, got = (
        {f"{layer}.{name}": value for layer, part in tree.items() for name, value in part.items()}
        for tree in (parameter_shapes(config), params)
    )
    for name in sorted(want.keys() ^ got.keys()):
        what = "has no parameter" if name in want else "has a parameter too many,"
        raise ValueError(f"the model {what} {name}; params and config are not of the same model")
    for name, array in got.items():
        if array.shape != want[name] or array.dtype != config.dtype:
            raise ValueError(
                f"parameter {name} must be {config.dtype} {want[name]}, got {array.dtype} {array.shape}; "
                "params and config are not of the same model"
            )
    check_finite(params)


def check_finite(params):
    """Raise ValueError, naming the first one, if a parameter is NaN or infinite."""
    for layer, arrays in params.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
                value = array[~np.isfinite(array)][0]
                raise ValueError(f"parameter {layer}.{name}[{place}] is {value}; the model is damaged")


# Exercises
# 1. Which pairs of configurations have parameters of the same names and shapes, and are still different models? What
#    would a file have to say so that they cannot be mixed up? (checkpoint.py says it.)
