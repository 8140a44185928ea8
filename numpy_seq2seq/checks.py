"""Appendix: checks. What a person may get wrong, said in words before anything is computed.

It stands apart: it knows no chapter. Functions that a person calls ask it once, at the door; the functions
inside trust each other. Each raises TypeError or ValueError: what was expected, what came, what to do.
"""

import math
from collections.abc import Iterable

import numpy as np


def shown(value):
    """A value as an error shows it: short, and with its type where that is not plain."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "an integer of very many digits"
    text = text[:60] + "…" * (len(text) > 60)
    return text if isinstance(value, (int, float, str, type(None))) else f"the {type(value).__name__} {text}"


def listed(values, name):
    """A list of what an iterable yields; a generator, a map or a zip can be read only once."""
    no_order = isinstance(values, (dict, set, frozenset))
    if not isinstance(values, Iterable) or no_order or getattr(values, "ndim", 1) == 0:
        raise TypeError(f"{name} must be a sequence, got {shown(values)}")
    return list(values)


def check_choice(name, value, known):
    """Raise ValueError, with the known ones, unless value is one of them, and of their type."""
    if not any(type(value) is type(choice) and value == choice for choice in known):
        raise ValueError(f"{name} must be one of {', '.join(map(str, known))}; got {shown(value)}")


def check_size(name, value):
    """Raise ValueError unless value is a positive integer."""
    if not is_integer(value) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {shown(value)}")


def is_number(value):
    """Whether value is one finite real number; NaN, True, 10**400 and a text like a number are none."""
    try:
        return (isinstance(value, (float, np.floating)) or is_integer(value)) and math.isfinite(float(value))
    except OverflowError:
        return False


def check_rng(rng):
    """Raise TypeError unless rng is a random generator. An int is none: it would begin anew at each call."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a generator, np.random.default_rng(seed); got {shown(rng)}")


def check_ids(name, ids, mask, size, pad):
    """Raise unless ids (B, T) are in [0, size) and the mask is True at a row's first tokens, not at pad."""
    if not isinstance(ids, np.ndarray) or not isinstance(mask, np.ndarray):
        got = f"{type(ids).__name__} and {type(mask).__name__}"
        raise TypeError(f"{name} and its mask must be NumPy arrays, got {got}")
    if ids.ndim != 2 or not len(ids):
        raise ValueError(f"{name} must be (batch, length) with at least one row, got shape {ids.shape}")
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"{name} must be integer token ids, got {ids.dtype}")
    if mask.dtype != bool:
        raise TypeError(f"the mask of {name} must be boolean (True at a real token), got {mask.dtype}")
    if mask.shape != ids.shape:
        raise ValueError(f"the mask of {name} must have its shape {ids.shape}, got {mask.shape}")
    outside = (ids < 0) | (ids >= size)
    if outside.any():
        b, t = np.argwhere(outside)[0]
        raise ValueError(f"{name}[{b}, {t}] is id {ids[b, t]}; the vocabulary has ids 0 to {size - 1}")
    _check_padding(name, ids, mask, pad)


def _check_padding(name, ids, mask, pad):
    empty = np.flatnonzero(~mask.any(axis=1))
    if empty.size:
        advice = "end every sequence with EOS, the empty one too"
        raise ValueError(f"{name} row {empty[0]} has no real token; {advice}")
    if (mask[:, 1:] > mask[:, :-1]).any():
        raise ValueError(f"the mask of {name} has padding before a real token; padding comes last")
    padding = mask & (ids == pad)
    if padding.any():
        b, t = np.argwhere(padding)[0]
        raise ValueError(f"{name}[{b}, {t}] is PAD, and its mask calls it real; the mask is False at padding")


def check_layers(name, tree):
    """Raise TypeError unless tree is dict[layer][name] -> array."""
    layers = isinstance(tree, dict) and all(isinstance(layer, dict) for layer in tree.values())
    names = [key for part in (tree, *tree.values()) for key in part] if layers else [None]
    arrays = [a for layer in tree.values() for a in layer.values()] if layers else []
    if not all(isinstance(n, str) for n in names) or not all(isinstance(a, np.ndarray) for a in arrays):
        raise TypeError(f"{name} must be dict[layer][name] -> array, as of seq2seq_init; got {shown(tree)}")


def check_finite(tree, what="parameter", therefore="the model is damaged"):
    """Raise ValueError, naming the first one, if a number of a tree like params is NaN or infinite."""
    for layer, arrays in tree.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
                value = array[~np.isfinite(array)][0]
                raise ValueError(f"{what} {layer}.{name}[{place}] is {value}; {therefore}")


def check_config(config):
    """Raise TypeError unless config is a Config."""
    if not hasattr(config, "unused"):
        raise TypeError(f"config must be a Config, got {shown(config)}; are the arguments in their order?")


def check_schedule(step, peak, warmup):
    """The three as Python's numbers, which do not overflow; ValueError unless a schedule can use them."""
    check_size("step", step)
    for name, value in (("step", step), ("peak", peak), ("warmup", warmup)):
        if not (is_number(value) and value >= 0):
            raise ValueError(f"{name} must be a number, 0 or more; got {shown(value)}")
    return int(step), float(peak), float(warmup)


def check_adam(params, state, beta1, beta2, epsilon, decay):
    """Raise ValueError unless this is Adam's state for these parameters, and the four are such numbers."""
    if not isinstance(state, dict) or state.keys() != {"m", "v", "t"}:
        got = ", ".join(map(str, state)) or "none of them" if isinstance(state, dict) else shown(state)
        raise ValueError(f"the state of Adam has m, v and t, from adam_init(params); got {got}")
    for name in ("m", "v"):
        check_shapes(f"{name} of the state", state[name], params)
        check_floats(f"{name} of the state", state[name], written=True)
    check_count("t of the state", state["t"])
    check_share("beta1", beta1)
    check_share("beta2", beta2)
    if not (is_number(epsilon) and epsilon > 0 and is_number(decay) and decay >= 0):
        got = f"{shown(epsilon)} and {shown(decay)}"
        raise ValueError(f"epsilon must be above 0, and decay 0 or more; got {got}")


def check_shapes(what, tree, params):
    """Raise ValueError unless tree has the layers, names and shapes of params."""
    check_layers(what, tree)
    got, wanted = (
        {(layer, name): a.shape for layer, arrays in each.items() for name, a in arrays.items()}
        for each in (tree, params)
    )
    if got != wanted:
        layer, name = min(key for key in got.keys() | wanted.keys() if got.get(key) != wanted.get(key))
        shapes = f"{wanted.get((layer, name), 'no such array')}, got {got.get((layer, name), 'none')}"
        raise ValueError(f"{what} must have the arrays and shapes of params: {layer}.{name} is {shapes}")


def check_floats(what, tree, written=False):
    """Raise ValueError unless a tree like params holds floats, and can be written into if it will be."""
    for layer, arrays in tree.items():
        for name, a in arrays.items():
            if a.dtype.kind != "f" or written and not a.flags.writeable:
                wanted = "writable float arrays" if written else "float arrays"
                got = f"{a.dtype}, {'writable' if a.flags.writeable else 'read-only'}"
                raise ValueError(f"{what} must be {wanted}; {layer}.{name} is {got}")


def check_training(batches, steps, clip, smoothing, rng, start):
    """Raise unless `train` can use these."""
    if hasattr(batches, "target_mask") or not isinstance(batches, Iterable):
        advice = "write [batch], or itertools.repeat(batch)"
        raise TypeError(f"batches must be an iterable of Batch, got one {type(batches).__name__}; {advice}")
    for name, value in (("steps", steps), ("start", start)):
        if value != 0:
            check_size(name, value)
    if start > steps:
        got = f"{shown(start)} of {shown(steps)}"
        raise ValueError(f"start must be the steps that were taken before, at most all of them; got {got}")
    check_norm("clip", clip)
    check_loss_options(smoothing, rng)


def check_strings(lengths, alphabet):
    """Raise ValueError unless random strings of such lengths can be drawn from such an alphabet."""
    if not isinstance(lengths, (tuple, list)) or len(lengths) != 2 or not all(map(is_integer, lengths)):
        raise ValueError(f"lengths must be two integers, (shortest, longest); got {shown(lengths)}")
    shortest, longest = lengths
    if not 0 <= shortest <= longest:
        raise ValueError(f"lengths must be 0 ≤ shortest ≤ longest, got {shortest} to {longest}")
    texts = isinstance(alphabet, (str, tuple, list)) and all(isinstance(letter, str) for letter in alphabet)
    if not texts or not alphabet or len(set(alphabet)) < len(alphabet) or {*map(len, alphabet)} != {1}:
        raise ValueError(f"alphabet must be distinct letters, at least one; got {shown(alphabet)}")


def check_count(name, value, least=0):
    """Raise ValueError unless value is an integer, least or more."""
    if not is_integer(value) or value < least:
        raise ValueError(f"{name} must be an integer, {least} or more; got {shown(value)}")


def is_integer(value):
    """Whether value is a whole number; True and a duration (np.timedelta64) are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.timedelta64))


def check_norm(name, value):
    """Raise ValueError unless value is a positive number; infinity is one."""
    if not (is_number(value) and value > 0 or isinstance(value, float) and value == np.inf):
        raise ValueError(f"{name} must be a positive norm, got {shown(value)}")


def check_share(name, value):
    """Raise ValueError unless value is a number in [0, 1)."""
    if not (is_number(value) and 0 <= value < 1):
        raise ValueError(f"{name} must be in [0, 1), got {shown(value)}")


def check_loss_options(smoothing, rng):
    """Raise unless these are a share of the labels, and a generator or None."""
    if rng is not None:
        check_rng(rng)
    check_share("smoothing", smoothing)


def check_parameters(params, wanted, dtype):
    """Raise, naming the first fault, unless these are finite parameters of the shapes wanted."""
    check_layers("params", params)
    mixed = "params and config are not of the same model"
    for layer in sorted(wanted.keys() ^ params.keys()):
        what = "no layer" if layer in wanted else "a layer too many,"
        raise ValueError(f"params have {what} {layer}; {mixed}")
    for layer, shapes in wanted.items():
        for name in sorted(shapes.keys() ^ params[layer].keys()):
            what = "no array" if name in shapes else "an array too many,"
            raise ValueError(f"params have {what} {layer}.{name}; {mixed}")
        for name, shape in shapes.items():
            array = params[layer][name]
            if (array.shape, array.real.dtype) != (shape, dtype):  # complex: gradcheck's complex step
                want, got = f"{dtype} {shape}", f"{array.dtype} {array.shape}"
                raise ValueError(f"parameter {layer}.{name} must be {want}, got {got}; {mixed}")
    check_finite(params)


def check_step(params, grads, learning_rate):
    """Raise ValueError unless the gradients have the shapes of params and the rate is a number, 0 or more."""
    if not (is_number(learning_rate) and learning_rate >= 0):
        raise ValueError(f"learning_rate must be a number, 0 or more; got {shown(learning_rate)}")
    check_layers("params", params)
    check_shapes("grads", grads, params)
    check_floats("params", params, written=True)
    check_floats("grads", grads)
