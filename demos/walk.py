"""One pair through a tiny model, number by number. Run `python -m demos.walk`; `--help` has the options.

No formula is written a second time here. The model runs once, and while it runs the interpreter reports every
call of a function (sys.setprofile). What is printed is what the package's own functions were given, and what
they held when they returned.
"""

import inspect
import re
import sys
from itertools import count

import numpy as np

from numpy_seq2seq import DECODERS, ENCODERS, Config, Vocabulary, loss_and_gradients, make_batch, seq2seq_init
from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.scores import SCORES

from . import shared

ABOUT = """\
One short pair through a tiny model, forward and backward: every function with its formulas, and every array
with its name, its shape and its values. At the end one gradient stands beside its finite difference.

The pair is ab -> ba. Embeddings and states have two numbers each (four in a Transformer), and the parameters
are random. A function is shown with the formulas of its docstring, when it is called for the first time; then
with what it is given, the functions that it calls, and what it makes. An array is shown once, where it first
appears, and axes of size 1 are left out of its values.

Without an option: a recurrent encoder, the luong decoder, lstm, dot. The shortest walk is --cell rnn."""
TABLES = {"encoder": ENCODERS, "decoder": DECODERS, "cell": CELLS, "score": SCORES}
PAIR = "ab", "ba"
LETTERS = Vocabulary("ab")
STEP = 1e-5  # of the finite difference


def main(arguments=None):
    """Run the model once and tell what happened; returns the exit status."""
    command = shared.parser("walk", ABOUT, epilog="")
    for name, table in TABLES.items():
        command.add_argument(f"--{name}", metavar="NAME", help=", ".join(table))
    given = vars(command.parse_args(arguments))
    params, config, batch = tiny_model({name: value for name, value in given.items() if value is not None})
    walk = Walk()
    _, grads = walk.along(loss_and_gradients, batch, params, config)
    ids = ", ".join(f"{symbol} {k}" for k, symbol in enumerate(LETTERS.symbols))
    head = [
        f"ab -> ba through a tiny model: encoder {config.encoder}, decoder {config.decoder}.",
        f"Token ids: {ids}.",
        '"|" marks the formulas of a function, shown at its first call; "given" stands before its arguments.',
        "Each array is shown once, without axes of size 1; in the recurrence, time comes first.",
    ]
    shared.say("\n".join([*head, *walk.lines, "", *proof(batch, params, config, grads)]))
    return 0


def tiny_model(choices):
    """Random parameters, the configuration, and the pair as a batch."""
    size, heads = (4, 2) if "transformer" in choices.values() else (2, None)  # layer norm turns two into ±1
    config = Config(len(LETTERS), len(LETTERS), size, size, heads=heads, dtype="float64", **choices)
    return seq2seq_init(np.random.default_rng(0), config), config, make_batch([PAIR], LETTERS, LETTERS)


def proof(batch, params, config, grads):
    """One parameter, of the layer that is farthest from the loss: its gradient, and its finite difference."""
    E, dE = params["source_embedding"]["E"], grads["source_embedding"]["E"]
    place = np.unravel_index(np.abs(dE).argmax(), dE.shape)
    losses = []
    for step in (STEP, -STEP):
        moved = E.copy()
        moved[place] += step
        moved = {**params, "source_embedding": {"E": moved}}
        losses.append(loss_and_gradients(batch, moved, config)[0])
    name = f"source_embedding.E[{place[0]}, {place[1]}]"
    slope, gradient = (losses[0] - losses[1]) / (2 * STEP), dE[place]
    return [
        f"Is it right? θ = {name}, which is farthest from the loss (the one with the largest gradient there)",
        f"  dθ, by backpropagation             {gradient: .9f}",
        f"  (L(θ + ε) − L(θ − ε)) / 2ε         {slope: .9f}   ε = {STEP}",
        f"  they differ by                     {abs(slope - gradient): .0e}",
    ]


class Walk:
    """Writes down, as lines of text, what the *_forward and *_backward functions of the package do."""

    def __init__(self):
        self.lines, self.depth = [], 0
        self.seen = {}  # arrays that have been shown, kept so that no other one gets their place in memory
        self.explained = set()  # functions whose formulas have been shown

    def along(self, function, *arguments):
        """function(*arguments), watched."""
        sys.setprofile(self.look)
        try:
            return function(*arguments)
        finally:
            sys.setprofile(None)

    def look(self, frame, event, result):
        """What the interpreter calls at each call and return."""
        module, name = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if not module.startswith("numpy_seq2seq.") or other(name) not in frame.f_globals:
            return
        if event == "call":
            self.head(frame, f"{module.removeprefix('numpy_seq2seq.')}.{name}")
            self.depth += 1
            self.show("given ", frame.f_locals.items(), "fi")
        elif event == "return":
            self.show("", [*frame.f_locals.items(), *outputs(frame, result)], "f")
            self.depth -= 1

    def head(self, frame, name):
        """The function's name; its time step, if the caller loops over them; the first time, its formulas."""
        t = frame.f_back.f_locals.get("t")
        loop = t is not None and "for t in" in inspect.getsource(frame.f_back.f_code)
        self.lines += ["", "  " * self.depth + name + (f"   t = {t}" if loop else "")]
        if name not in self.explained:
            self.explained.add(name)
            self.lines += ["  " * self.depth + "  | " + line for line in formulas(frame)]

    def show(self, how, values, kinds):
        """Every array of certain kinds of numbers that has not been shown before."""
        for name, array in leaves(values):
            key = array.__array_interface__["data"][0], array.size
            if array.size and array.dtype.kind in kinds and key not in self.seen:
                self.seen[key] = array
                self.lines += as_text("  " * self.depth + f"{how}{name} {array.shape}  ", array)


def formulas(frame):
    """The formulas of a function's docstring: the first lines that are indented, before Args and Returns."""
    text = inspect.getdoc(frame.f_globals[frame.f_code.co_name]) or ""
    text = re.split(r"^(?:Args|Returns|Raises|Units|Source)\b", text, flags=re.M)[0]
    found = re.search(r"(?:^(?:    .*)?\n?)+", text[text.find("\n    ") + 1 :], re.M)
    return [line[4:] for line in found[0].rstrip().splitlines()]


def other(name):
    """The backward function of a forward one, the forward function of a backward one, or None."""
    for end, other_end in (("_forward", "_backward"), ("_backward", "_forward")):
        if name.endswith(end):
            return name.removesuffix(end) + other_end
    return None


def outputs(frame, result):
    """(name, value) of what a function returns. The names follow from the mirror rule: backward takes the
    gradients of what forward returned, and returns the gradients of what forward took."""
    name = frame.f_code.co_name
    forward = name.endswith("_forward")
    names = inspect.signature(frame.f_globals[other(name)]).parameters
    names = [n.removeprefix("d") if forward else f"d{n}" for n in names]
    result = result if type(result) is tuple else (result,)
    if forward and len(result) == len(names) + 1:
        names.insert(1, "weights")  # of attention: they are returned and take no gradient
    return zip(["grads" if n == "dparams" else n for n in names], result)


def leaves(values):
    """(name, array) for every array in nested values. Caches are left out: that was shown before."""
    for name, value in values:
        if isinstance(value, (np.ndarray, np.generic)):
            yield name, value
        elif isinstance(value, dict):
            yield from leaves((f"{name}.{key}", branch) for key, branch in value.items())
        elif isinstance(value, tuple) and "cache" not in name:
            keys = map("[{}]".format, count())
            if hasattr(value, "_fields"):
                keys = map(".{}".format, value._fields)
            yield from leaves((name + key, branch) for key, branch in zip(keys, value))


def as_text(head, array):
    """Lines: the head, and right of it the values."""
    layout = {"precision": 4, "suppress_small": True, "floatmode": "fixed", "max_line_width": 110}
    return (head + np.array2string(np.squeeze(array), prefix=head, **layout)).splitlines()


if __name__ == "__main__":
    shared.run(main)
