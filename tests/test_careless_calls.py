"""Calls as people make them by mistake: each is refused at once, and names what the caller wrote.

CALLS are right. A row of CARELESS changes one argument of one of them, a row of EXCHANGED exchanges two, and
says what the message must contain. Nothing is silent, and nothing comes from deep below: no AttributeError,
KeyError, IndexError or OverflowError.
"""

import itertools
import math
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest

from numpy_seq2seq import (
    Config, adam_init, adam_step, attention_map, build_vocabulary, draw_pairs, evaluate, generate_beam,
    generate_greedy, generate_sample, load_checkpoint, loss_and_gradients, make_batch, make_source,
    parameter_count, save_checkpoint, seq2seq_init, sgd_init, sgd_step, train, warmup_cosine,
)
from numpy_seq2seq.beam import length_penalty
from numpy_seq2seq.checkpoint import Checkpoint, restore_rng
from numpy_seq2seq.data import Vocabulary, check_batch, check_source
from numpy_seq2seq.gradcheck import check_gradients, check_pair
from numpy_seq2seq.optim import clip_by_global_norm, exponential_decay, global_norm, inverse_sqrt
from numpy_seq2seq.tasks import bits, is_held_out, right_places
from numpy_seq2seq.training import sampled_inputs

PAIRS = [("cat", "chat"), ("dog", "chien"), ("house", "maison"), ("water", "eau")]
READS, WRITES = (build_vocabulary(side) for side in zip(*PAIRS))
CONFIG = Config(len(READS), len(WRITES), hidden_size=8, dtype="float64")
TWO = Config(len(READS), len(WRITES), hidden_size=8, layers=2, dtype="float64")
RNG, X = np.random.default_rng(0), np.random.default_rng(1).normal(size=(3, 2))
PARAMS, OTHER = (seq2seq_init(np.random.default_rng(0), config) for config in (CONFIG, TWO))
BATCH = make_batch(PAIRS, READS, WRITES)
SOURCE, MASK = BATCH[:2]
GRADS, STATE = loss_and_gradients(BATCH, PARAMS, CONFIG)[1], adam_init(PARAMS)
DAMAGED = {**PARAMS, "output": {**PARAMS["output"], "b": np.full(len(WRITES), np.nan)}}


def with_layer(tree, dtype, fixed=False):
    """The same arrays, but for the output's b: of another type, or read-only."""
    b = np.ones(len(WRITES)).astype(dtype)
    b.flags.writeable = not fixed
    return {**tree, "output": {**tree["output"], "b": b}}


ROW = {**GRADS, "output": {**GRADS["output"], "W": GRADS["output"]["W"][:1]}}
NAN = {**GRADS, "output": {**GRADS["output"], "b": np.full(len(WRITES), np.nan)}}


def changed(array, place, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[place] = value
    return array


def with_ids(**arrays):
    return BATCH._replace(**arrays)


def copy(tree):
    return {layer: {name: a.copy() for name, a in part.items()} for layer, part in tree.items()}


def trained(params, state, config, batches, **options):
    """All reports; of params and state that nobody else needs."""
    params = copy(params) if params is PARAMS else params
    return list(train(params, adam_init(PARAMS) if state is ... else state, config, batches, **options))


def encoded(sequence, unk=False):
    return READS.encode(sequence, unk)


def twice(x):
    return 2 * x, None


def twice_backward(dy, _):
    return 2 * dy


CHECKPOINT = Checkpoint(PARAMS, CONFIG, adam_init(PARAMS), 0, {}, (READS, WRITES), {})
MODEL = {"params": PARAMS, "config": CONFIG}
ANSWER = {"source": SOURCE, "mask": MASK, **MODEL, "max_length": 3}
STEP = {"params": PARAMS, "grads": GRADS, "learning_rate": 0.0}
CALLS = {
    "Vocabulary": (Vocabulary, {"symbols": "abc"}),
    "build_vocabulary": (build_vocabulary, {"sequences": ["abc", ["the", "cat"]]}),
    "encode": (encoded, {"sequence": "cat"}),
    "decode": (READS.decode, {"ids": [4, 5, 2]}),
    "make_source": (make_source, {"sources": ["cat"], "vocabulary": READS}),
    "make_batch": (make_batch, {"pairs": PAIRS, "source_vocabulary": READS, "target_vocabulary": WRITES}),
    "check_source": (check_source, {"source": SOURCE, "mask": MASK, "config": CONFIG}),
    "check_batch": (check_batch, {"batch": BATCH, "config": CONFIG}),
    "draw_pairs": (draw_pairs, {"task": "copy", "rng": RNG, "count": 3, "lengths": (1, 3),
                                "alphabet": "abc"}),
    "right_places": (right_places, {"task": "sort", "source": "cab"}),
    "bits": (bits, {"task": "sort", "length": 3, "letters": 3}),
    "is_held_out": (is_held_out, {"source": "cab"}),
    "Config": (Config, {"source_vocabulary": 9, "target_vocabulary": 9, "directions": 1, "dtype": "float64"}),
    "seq2seq_init": (seq2seq_init, {"rng": RNG, "config": CONFIG}),
    "parameter_count": (parameter_count, {"params": PARAMS}),
    "loss_and_gradients": (loss_and_gradients, {"batch": BATCH, **MODEL, "rng": RNG, "smoothing": 0.1}),
    "evaluate": (evaluate, {**MODEL, "batch": BATCH, "max_length": 3}),
    "train": (trained, {"params": PARAMS, "state": ..., "config": CONFIG, "batches": [BATCH], "steps": 1,
                        "schedule": lambda step: 0.01}),
    "sampled_inputs": (sampled_inputs, {"batch": BATCH, **MODEL, "probability": 0.5, "rng": RNG}),
    "generate_greedy": (generate_greedy, ANSWER),
    "generate_sample": (generate_sample, {**ANSWER, "rng": RNG, "temperature": 1.0, "top_k": 2}),
    "generate_beam": (generate_beam, {**ANSWER, "width": 2, "alpha": 0.6}),
    "attention_map": (attention_map, {"weights": np.eye(3), "source": "cat", "output": ["c", "h", "at"]}),
    "length_penalty": (length_penalty, {"length": 3, "alpha": 0.6}),
    "sgd_init": (sgd_init, {"params": PARAMS}),
    "sgd_step": (sgd_step, {**STEP, "state": {}}),
    "adam_init": (adam_init, {"params": PARAMS}),
    "adam_step": (adam_step, {**STEP, "state": STATE}),
    "global_norm": (global_norm, {"grads": GRADS}),
    "clip_by_global_norm": (clip_by_global_norm, {"grads": copy(GRADS), "max_norm": 1.0}),
    "warmup_cosine": (warmup_cosine, {"step": 1, "steps": 9, "peak": 0.1, "warmup": 2}),
    "exponential_decay": (exponential_decay, {"step": 1, "peak": 0.1, "rate": 0.9}),
    "inverse_sqrt": (inverse_sqrt, {"step": 1, "peak": 0.1, "warmup": 2}),
    "restore_rng": (restore_rng, {"state": np.random.default_rng(0).bit_generator.state}),
    "save_checkpoint": (save_checkpoint, {"path": "model.npz", "checkpoint": CHECKPOINT}),
    "load_checkpoint": (load_checkpoint, {"path": "model.npz"}),
    "check_pair": (check_pair, {"forward": twice, "backward": twice_backward, "args": (X,)}),
    "check_gradients": (check_gradients, {"f": lambda x: x["x"].sum(), "tree": {"x": X},
                                          "gradients": {"x": np.ones_like(X)}}),
}

# ---- one argument is wrong ---------------------------------------------------------------------------------

LIST, NO_SEQUENCE = "must be a list of (source, target)", "must be a sequence"
CONFIGURED, ONE_BATCH = "config must be a Config", "a batch must be one Batch"
LAYERS, MODELS = "must be dict[layer][name] -> array", "params and config are not of the same model"
GENERATOR, NUMBER = "rng must be a generator, np.random.default_rng(seed)", "must be a number, 0 or more"
READERS = "loss_and_gradients evaluate train sampled_inputs generate_greedy generate_sample generate_beam"
WHOLE, SPARE = "must be a positive integer", "the vocabulary has ids 0 to"


def each(functions, argument, values, message):
    return [(function, {argument: value}, message) for function in functions.split() for value in values]


CARELESS = [
    *each("Vocabulary", "symbols", [None, 3, {"a": 4}, {"a", "b"}], NO_SEQUENCE),
    *each("Vocabulary", "symbols", [[1, 2], [None], [b"a"]], "must be strings"),
    *each("Vocabulary", "symbols", ["aba", ["<pad>"]], "occurs twice"),
    *each("build_vocabulary", "sequences", [None, 5, [1, 2], [None], {"cat": 1}], NO_SEQUENCE),
    *each("build_vocabulary", "sequences", [[[1, 2]], [[b"a"]], [[["a"]]]], "must be strings"),
    *each("encode", "sequence", [None, 7, {"c": 1}, {"c"}], NO_SEQUENCE),
    *each("encode", "sequence", [[["c"]], X], "must be strings"),
    *each("encode", "sequence", ["cab!", ["the", "cat"], [3], b"cat"], "is not in the vocabulary"),
    *each("encode make_source make_batch", "unk", [None, 1, WRITES], "unk must be True or False"),
    *each("decode", "ids", [None, 4, {4, 5}], NO_SEQUENCE),
    *each("decode", "ids", [[4.0], ["c"], [[4, 5]], SOURCE], "must be a row of integers"),
    *each("decode", "ids", [[-1], [99]], "there is no id"),
    *each("make_source", "sources", [None, 3, [None], [3], {"cat": 1}], NO_SEQUENCE),
    *each("make_source", "sources", ["cat"], "write ['cat']"),
    *each("make_source", "sources", [[], (), iter([])], "an empty batch"),
    *each("make_source", "sources", [["c?"], PAIRS, [[4, 5]], SOURCE], "is not in the vocabulary"),
    *each("make_source", "vocabulary", [None, "abc", WRITES.symbols, CONFIG],
          "must be one of build_vocabulary's"),
    *each("make_batch", "pairs", [None, 3, dict(PAIRS), set(PAIRS)], NO_SEQUENCE),
    *each("make_batch", "pairs", ["cat", ["cat", "dog"], ("cat", "chat"), [None], BATCH, SOURCE], LIST),
    *each("make_batch", "pairs", [[("cat", "chat", "CC-BY")]], "got 3 parts"),
    *each("make_batch", "pairs", [[("cat",)], [()]], "must be (source, target), got"),
    *each("make_batch", "pairs", [[("cat", None)], [(3, "chat")]], NO_SEQUENCE),
    *each("make_batch", "pairs", [[], zip([], [])], "an empty batch"),
    *each("make_batch", "pairs", [[("cat", "Chat")], [("c t", "chat")]], "is not in the vocabulary"),
    *each("make_batch", "source_vocabulary", [None, CONFIG, "abc"], "must be one of build_vocabulary's"),
    *each("make_batch", "target_vocabulary", [None, READS.ids], "must be one of build_vocabulary's"),
    *each("check_batch loss_and_gradients evaluate sampled_inputs", "batch",
          [None, PAIRS, [BATCH], tuple(BATCH), SOURCE], ONE_BATCH),
    *each("loss_and_gradients evaluate", "batch", [with_ids(source=changed(SOURCE, (0, 0), -1))], "is id -1"),
    *each("check_source generate_greedy generate_sample generate_beam", "source",
          [None, ["cat"], "cat", PAIRS, SOURCE.tolist()], "must be NumPy arrays"),
    *each("generate_greedy generate_beam", "source", [SOURCE * 1.0], "must be integer token ids"),
    *each("generate_greedy generate_sample", "source", [changed(SOURCE, (0, 0), -1, "int8"), SOURCE + 90],
          SPARE),
    *each("check_source generate_greedy", "mask", [None, MASK.tolist()], "must be NumPy arrays"),
    *each("check_batch check_source seq2seq_init loss_and_gradients evaluate train generate_greedy", "config",
          [None, PARAMS, {"hidden_size": 8}, "luong"], CONFIGURED),
    *each("draw_pairs", "task", ["cpy", None, draw_pairs, ["copy"]], "task must be one of copy, reverse"),
    *each("right_places bits", "task", ["cpy", None, 3], "task must be one of copy, reverse"),
    *each("draw_pairs seq2seq_init loss_and_gradients sampled_inputs generate_sample", "rng",
          [0, np.random, np.random.RandomState(0)], GENERATOR),
    *each("draw_pairs seq2seq_init sampled_inputs generate_sample", "rng", [None], GENERATOR),
    *each("draw_pairs", "count", [-1, 1.5, None, "3"], "count must be an integer, 0 or more"),
    *each("draw_pairs", "lengths", [3, None, (1,), (1, 2, 3), ("1", "3"), (1.0, 3.0)], "lengths must be two"),
    *each("draw_pairs", "lengths", [(3, 1), (-1, 3)], "0 ≤ shortest ≤ longest"),
    *each("draw_pairs", "alphabet", ["", "aba", None, [1, 2], 26, ["a", "bb"]],
          "alphabet must be distinct letters"),
    *each("draw_pairs", "held_out", ["yes", None, 1], "held_out must be True or False"),
    *each("right_places", "source", [None, 3, ["a"], {"a": 1}, SOURCE], "source must be a string"),
    *each("Config", "dtype", [None, float, "float16", np.dtype("float32")], "dtype must be one of float32"),
    *each("Config", "directions", [None, 0, 3, True, "1"], "directions must be one of 1, 2"),
    *each("Config", "source_vocabulary", [None, 0, 1.5, True], f"source_vocabulary {WHOLE}"),
    *each("Config", "target_vocabulary", [3], "target_vocabulary must be at least 4"),
    *each("bits", "length", [-1, 2.5, None], "length must be an integer, 0 or more"),
    *each("bits", "letters", [0, "abc"], "letters must be an integer, 1 or more"),
    *each("is_held_out", "source", [None, b"abc", ["a"]], "only a string is held out or not"),
    *each("parameter_count adam_init sgd_init", "params", [None, [], CONFIG, {"W": X}, {"a": {"W": [1]}}],
          LAYERS),
    *each(READERS, "params", [None, GRADS["output"], CONFIG], LAYERS),
    *each(READERS, "params", [OTHER, {}], MODELS),
    *each(READERS, "params", [DAMAGED],
          "is nan; the model"),
    *each("loss_and_gradients evaluate sampled_inputs generate_sample", "config", [TWO], MODELS),
    *each("loss_and_gradients train", "smoothing", [1, -0.1, math.nan, None, "0.1", True],
          "smoothing must be in"),
    *each("evaluate generate_greedy generate_sample generate_beam", "max_length", [0, -1, 1.5, "10"], WHOLE),
    *each("train", "batches", [BATCH, None, 3], "batches must be an iterable of Batch"),
    *each("train", "batches", [[PAIRS], PAIRS, iter(PAIRS), [SOURCE], [[BATCH]]], ONE_BATCH),
    *each("train", "batches", [[], iter([])], "the batches ran out before step 1 of 1"),
    *each("train", "steps", [-1, 1.5, None, "3"], f"steps {WHOLE}"),
    *each("train", "start", [-1, 0.5, "0"], f"start {WHOLE}"),
    *each("train", "schedule", [0.01, None, [0.01]], "schedule must be a function"),
    *each("train", "schedule", [lambda step: None, lambda step: math.nan, lambda step: -1.0],
          "learning_rate must be"),
    *each("train", "clip", [0, -1, math.nan, None, "1", 1j, True, 10**400], "clip must be a positive norm"),
    *each("train", "update", ["adam", None], "update must be a function"),
    *each("train", "teacher_forcing", [0.5, 1], "teacher_forcing must be a function"),
    *each("train", "teacher_forcing", [lambda step: 0.5], "pass rng=np.random.default_rng(seed)"),
    *each("train", "rng", [0, np.random], GENERATOR),
    *each("train", "state", [None, {}, adam_init(PARAMS)["m"]], "the state of Adam has m, v and t"),
    *each("train", "state", [adam_init(OTHER)], "m of the state must have the arrays and shapes of params"),
    *each("sampled_inputs", "probability", [-0.1, 1.5, None, math.nan, "1"],
          "must give a probability in [0, 1]"),
    *each("generate_sample", "temperature", [0, -1, math.nan, math.inf, None, "1", 10**400],
          "temperature must be positive"),
    *each("generate_sample", "top_k", [0, -1, 1.5, True, "3"], f"top_k {WHOLE}"),
    *each("generate_beam", "width", [0, -1, 1.5, None, True, "5"], f"width {WHOLE}"),
    *each("generate_beam length_penalty", "alpha", [1j, -1, 1000.0, math.nan, math.inf, None, "0.6"],
          "alpha must be in [0, 20]"),
    *each("attention_map", "weights", [None, np.eye(4), np.eye(3)[:2], np.eye(3)[None], "abc",
                                    1j * np.eye(3), np.full((3, 3), math.inf)],
          "weights must be finite numbers (3, 3)"),
    *each("attention_map", "source", ["ca", "cats"], "weights must be finite numbers (3, "),
    *each("attention_map", "output", [[1, 2, 3], [None] * 3], "tokens must be strings"),
    *each("attention_map", "output", [None, 3], NO_SEQUENCE),
    *each("attention_map", "columns", [0, -1, 1.5, "80"], f"columns {WHOLE}"),
    *each("length_penalty", "length", [None, -1, 0.5, True, "3", X, 10**400],
          "length must be a number of tokens"),
    *each("sgd_step adam_step", "params", [None, [X]], LAYERS),
    *each("sgd_step adam_step", "grads", [None, [X], X], LAYERS),
    *each("sgd_step adam_step", "grads", [ROW, OTHER, {}, {**GRADS, "more": {"w": X}}],
          "grads must have the arrays and shapes of params"),
    *each("sgd_step adam_step", "grads", [NAN], "the gradient of output.b["),
    *each("sgd_step adam_step", "grads", [with_layer(GRADS, "int8"), with_layer(GRADS, bool)],
          "grads must be float arrays; output.b is"),
    *each("sgd_step adam_step", "params",
          [with_layer(PARAMS, int), with_layer(PARAMS, "float32", fixed=True)],
          "params must be writable float arrays; output.b is"),
    *each("adam_step", "state", [{**STATE, "t": t} for t in (-1, 2.5, math.nan, "3", None, np.array(0))],
          "t of the state must be an integer, 0 or more"),
    *each("adam_step", "state", [{**STATE, "v": with_layer(STATE["v"], int)}],
          "v of the state must be writable float arrays"),
    *each("sgd_step", "state", [np.zeros(3)], "the state of SGD is {}"),
    *each("adam_init sgd_init parameter_count", "params", [{0: {"b": X}}, {"a": {0: X}}], LAYERS),
    *each("Vocabulary", "symbols", [np.array("abc")], NO_SEQUENCE),
    *each("make_source", "sources", [np.array("abc")], NO_SEQUENCE),
    *each("train", "start", [6], "start must be the steps that were taken before"),
    *each("loss_and_gradients seq2seq_init", "config", [SimpleNamespace(source_vocabulary=9)], CONFIGURED),
    *each("draw_pairs", "task", [PARAMS], "task must be one of copy, reverse"),
    *each("draw_pairs", "lengths", [[*range(500)]], "lengths must be two integers"),
    *each("draw_pairs", "alphabet", ["ab" * 500, ["a", ""]], "alphabet must be distinct letters"),
    *each("sgd_step adam_step", "learning_rate",
          [None, np.float32("inf"), np.timedelta64(1), 10**5000,
           -1, math.nan, math.inf, "0.1", 10**400, lambda t: 0.1],
          f"learning_rate {NUMBER}"),
    *each("sgd_step", "state", [None, adam_init(PARAMS)], "the state of SGD is {}"),
    *each("adam_step", "state", [None, {}, {"m": {}, "v": {}}, 3], "the state of Adam has m, v and t"),
    *each("adam_step", "state", [{**STATE, "v": ROW}], "v of the state must have the arrays and shapes"),
    *each("adam_step", "beta1", [1, -0.1, None], "beta1 must be in [0, 1)"),
    *each("adam_step", "beta2", [1.0, math.nan], "beta2 must be in [0, 1)"),
    *each("adam_step", "epsilon", [0, None], "epsilon must be above 0"),
    *each("adam_step", "decay", [-0.1, "0"], "decay 0 or more"),
    *each("global_norm clip_by_global_norm", "grads", [None, X, [X], GRADS["output"]], LAYERS),
    *each("clip_by_global_norm", "max_norm", [1j, 0, math.nan, None, True, 10**400, GRADS],
          "max_norm must be a positive norm"),
    *each("warmup_cosine inverse_sqrt exponential_decay", "step", [0, -1, 1.5, math.nan, None],
          f"step {WHOLE}"),
    *each("warmup_cosine inverse_sqrt exponential_decay", "peak", [-1, math.nan, None, "1", 10**400],
          f"peak {NUMBER}"),
    *each("inverse_sqrt exponential_decay", "step", [10**400], f"step {NUMBER}"),
    *each("warmup_cosine", "steps", [0, None, 1.5], f"steps {WHOLE}"),
    *each("warmup_cosine", "warmup", [-1, None, math.nan], f"warmup {NUMBER}"),
    *each("inverse_sqrt", "warmup", [0, 1.5], f"warmup {WHOLE}"),
    *each("inverse_sqrt warmup_cosine", "warmup", [10**400], f"warmup {NUMBER}"),
    *each("exponential_decay", "rate", [0, 1.5, math.nan, None], "rate must be a factor in (0, 1]"),
    *each("restore_rng", "state", [None, 3, {}, RNG, np.random.MT19937(0).state],
          "a random state must be of PCG64"),
    *each("save_checkpoint", "checkpoint", [None, PARAMS, tuple(CHECKPOINT)],
          "a Checkpoint(params, config, …)"),
    *each("save_checkpoint", "checkpoint", [CHECKPOINT._replace(params=OTHER)],
          "is unexpected for its config"),
    *each("save_checkpoint", "checkpoint", [CHECKPOINT._replace(step=-1)], "step must be a count"),
    *each("save_checkpoint", "checkpoint", [CHECKPOINT._replace(notes={"a": {1}})], "are not JSON"),
    *each("save_checkpoint", "checkpoint", [CHECKPOINT._replace(rngs={"a": RNG})],
          "a random state must be of"),
    *each("save_checkpoint", "checkpoint", [CHECKPOINT._replace(vocabularies=(WRITES, READS))], "do not fit"),
    *each("save_checkpoint load_checkpoint", "path", ["none/model.npz", ".", ""], "checkpoint '"),
    *each("save_checkpoint load_checkpoint", "path", [None, 1, True, b"m.npz"], "must be a text or a Path"),
    *each("load_checkpoint", "path", ["none.npz"], "No such file"),
    *each("check_pair", "args", [X, None], "args must be the tuple of all arguments"),
    *each("check_pair", "args", [(), (3,)], "no argument holds a floating-point array"),
    *each("check_pair check_gradients", "method", ["centrall", None],
          "method must be one of central, complex"),
    *each("check_pair check_gradients", "samples", [0, -1], "samples must be 1 or more"),
    *each("check_pair", "unused", [("y",)], "unused names 'y'; there are only x"),
    *each("check_gradients", "tree", [{"x": X.astype("float32")}], "a gradient check needs float64"),
]

# ---- two are exchanged -------------------------------------------------------------------------------------

EXCHANGED = [
    ("make_source", "sources vocabulary", "must be one of build_vocabulary's"),
    ("make_batch", "pairs source_vocabulary", "must be one of build_vocabulary's"),
    ("make_batch", "source_vocabulary target_vocabulary", "is not in the vocabulary"),
    ("check_source", "mask config", CONFIGURED),
    ("check_source", "source mask", "must be integer token ids, got bool"),
    ("draw_pairs", "rng count", GENERATOR),
    ("draw_pairs", "task rng", "task must be one of"),
    ("seq2seq_init", "rng config", GENERATOR),
    ("loss_and_gradients", "batch params", ONE_BATCH),
    ("loss_and_gradients", "params config", CONFIGURED),
    ("loss_and_gradients", "rng smoothing", GENERATOR),
    ("evaluate", "params config", CONFIGURED),
    ("evaluate", "config batch", CONFIGURED),
    ("train", "params config", CONFIGURED),
    ("train", "config batches", CONFIGURED),
    ("train", "steps schedule", WHOLE),
    ("generate_greedy", "source mask", "must be integer token ids, got bool"),
    ("generate_greedy", "source params", "must be NumPy arrays"),
    ("generate_greedy", "params config", CONFIGURED),
    ("generate_sample", "config rng", GENERATOR),
    ("sgd_step", "grads state", "the state of SGD is {}"),
    ("adam_step", "grads state", LAYERS),
    ("adam_step", "state learning_rate", "learning_rate must be a number"),
    ("clip_by_global_norm", "grads max_norm", "must be a positive norm"),
    ("save_checkpoint", "path checkpoint", "must be a text or a Path"),
    ("check_pair", "forward backward", "missing 1 required positional argument"),
]


def called(function, **changes):
    call, arguments = CALLS[function]
    return call(**{**arguments, **changes})


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fault(function, changes, message):
    """What is wrong with how a call is refused, or None."""
    before = deepcopy((PARAMS, GRADS, STATE))
    try:
        called(function, **changes)
    except (ValueError, TypeError) as error:
        np.testing.assert_equal((PARAMS, GRADS, STATE), before)
        return None if message in str(error) and len(str(error)) < 400 else str(error)
    return "not refused"


@pytest.mark.parametrize("function", CALLS)
def test_the_right_call_is_right(function):
    if function == "load_checkpoint":
        called("save_checkpoint")
    called(function)


@pytest.mark.parametrize("function", CALLS)
def test_a_wrong_argument(function):
    for _, changes, message in (row for row in CARELESS if row[0] == function):
        assert fault(function, changes, message) is None, (changes, message)


@pytest.mark.parametrize("function", CALLS)
def test_two_arguments_exchanged(function):
    arguments = CALLS[function][1]
    for _, pair, message in (row for row in EXCHANGED if row[0] == function):
        one, other = pair.split()
        exchanged = {one: arguments[other], other: arguments[one]}
        assert fault(function, exchanged, message) is None, (pair, message)


def test_the_table_is_long():
    assert len(CARELESS) + len(EXCHANGED) >= 200
    assert {function for function, *_ in itertools.chain(CARELESS, EXCHANGED)} == CALLS.keys()


def test_small_integers_of_numpy_do_not_overflow():
    assert warmup_cosine(np.uint8(100), 200, 3, 200) == 1.5
    assert Config(9, 9, hidden_size=np.int8(64)) == Config(9, 9, hidden_size=64)
    assert len(called("generate_beam", width=np.uint8(2))[0]) == 2
    assert len(draw_pairs("copy", RNG, 3, (np.uint8(200), np.uint8(255)))) == 3


@pytest.mark.parametrize("sequence", [[4, 5], [b"cat"], [None], [["c"]]])
def test_unknown_is_a_symbol_and_nothing_else(sequence):
    with pytest.raises(TypeError, match="the tokens of the input must be strings"):
        READS.encode(sequence, unk=True)
