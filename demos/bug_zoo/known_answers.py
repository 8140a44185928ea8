"""Answers that are known beforehand: worked examples, numbers by hand, and what each option does.

KNOWN is a table of (question, what it is about, how to get it, what it should be). Of an option, the value is
one that differs without it: a gradient check cannot see an option that is left out of forward and backward
alike.
"""

import doctest
import importlib
import math

import numpy as np

from numpy_seq2seq import CHAPTERS, activations, attention, beam, cells, data, generate, layers, losses, optim
from numpy_seq2seq import recurrent, scores, tasks, training, transformer
from numpy_seq2seq.data import BOS, EOS, UNK
from numpy_seq2seq.invariances import same
from numpy_seq2seq.seq2seq import encode_forward, loss_and_gradients, seq2seq_forward

from .models import BATCH, LETTERS, MASK, MODELS, model, random_params

# ---- worked examples ---------------------------------------------------------------------------------------


class _Strict(doctest.DebugRunner):
    """Ends at the first example that does not come out."""

    def report_unexpected_exception(self, out, test, example, exc_info):
        raise exc_info[1]


def worked_examples(name):
    """The examples in the docstrings of a module, with the functions that are in force."""
    module = importlib.import_module(f"numpy_seq2seq.{name}")
    for test in doctest.DocTestFinder().find(module, extraglobs={"np": np}):
        try:
            _Strict(verbose=False).run(test)
        except doctest.DocTestFailure as failed:
            source, want = failed.example.source.strip(), failed.example.want.strip()
            raise AssertionError(f"{test.name}: {source} gives {failed.got.strip()} and not {want}") from None


# ---- what the table needs ----------------------------------------------------------------------------------

LN2, LN3 = math.log(2), math.log(3)
ONE = np.ones((1, 1))


def equals(what, get, want, tolerance=1e-10):
    same(what, get(), want, tolerance)


def gates(cell, *a):
    """The state of one unit that was h = 3 (and c = 2); its gates are given these numbers."""
    state = (3 * ONE, 2 * ONE)[: cells.CELLS[cell].states]
    after, _ = cells.CELLS[cell].forward(np.array([a], float), np.full((1, len(a)), 0.5), state)
    return [vector.item() for vector in after]


def recurrence(x, **options):
    """Outputs of a simple network with Wx = 1, Wh = 1/2 and one number in each place."""
    params = {"Wx": ONE, "Wh": ONE / 2, "b": np.zeros(1)}
    args = np.array(x, float).reshape(1, -1, 1), (0 * ONE,), params, cells.CELLS["rnn"]
    return recurrent.recurrent_forward(*args, **options)[0].ravel()


def weights(*row, mask=None):
    return attention.masked_softmax_forward(np.array([[row]], float), mask)[0].ravel()


def score(name, q, k, **params):
    return scores.SCORES[name].forward(np.array([[q]], float), np.array([[k]], float), params)[0].item()


def cross_entropy(smoothing):
    """Of the probabilities 1/4 and 3/4, where the first is right; a second token is padding."""
    logits = np.array([[[0, LN3], [5, 0]]])
    return losses.cross_entropy_forward(logits, np.array([[0, 0]]), np.array([[True, False]]), smoothing)[0]


def adam(gradients, theta=0.0, **options):
    """Where a parameter is after each step with these gradients and learning rate 1."""
    params = {"layer": {"w": np.full(1, theta)}}
    state, seen = optim.adam_init(params), []
    for g in gradients:
        optim.adam_step(params, {"layer": {"w": np.full(1, float(g))}}, state, 1.0, **options)
        seen.append(params["layer"]["w"].item())
    return seen


def clipped(most):
    grads = {"a": {"w": np.array([3.0, 4.0])}, "b": {"w": np.array([12.0])}}
    optim.clip_by_global_norm(grads, most)
    return [*grads["a"]["w"], *grads["b"]["w"]]


class _Recorder:
    """In the place of a random generator: drops nothing, and counts what is drawn each time."""

    def __init__(self):
        self.drawn = []

    def random(self, shape):
        self.drawn.append(math.prod(shape))
        return np.ones(shape)


def drawn(**choices):
    """How many numbers dropout draws at each place: H = 4, a source of 2 tokens, a target of 3."""
    config, recorder = model(hidden_size=4, **choices, dropout=0.5), _Recorder()
    pair = data.make_batch([("a", "bc")], LETTERS, LETTERS)
    seq2seq_forward(pair, random_params(config), config, recorder)
    return recorder.drawn


def trained(**options):
    """Three steps: the learning rates and norms that the optimiser gets; the losses and steps reported."""
    config, given = MODELS["luong"], []

    def update(params, grads, state, learning_rate):
        given.append((learning_rate, optim.global_norm(grads)))

    usual = {"rng": np.random.default_rng(5), "clip": 1e9, "update": update}
    args = random_params(config), {}, config, [BATCH] * 3, 3, lambda t: t / 8
    reports = list(training.train(*args, **usual | options))
    return (*map(list, zip(*given)), [report.loss for report in reports], [report.step for report in reports])


def first_loss(smoothing=0.0):
    """What `trained` should report at its first step."""
    config = MODELS["luong"]
    return loss_and_gradients(BATCH, random_params(config), config, np.random.default_rng(5), smoothing)[0]


def forced():
    """The steps that a schedule of teacher forcing is asked about."""
    asked = []
    trained(teacher_forcing=lambda t: asked.append(t) or 1.0)
    return asked


def replaced(probability):
    """How many inputs scheduled sampling replaces."""
    config = MODELS["luong"]
    told = training.sampled_inputs(BATCH, random_params(config), config, probability,
                                   np.random.default_rng(0))
    return int((told != BATCH.inputs).sum())


def written(how, *given, name="luong", **options):
    config = MODELS[name]
    return how(BATCH.source, BATCH.source_mask, random_params(config), config, *given, **options)


def unlike_greedy(**options):
    """How many tokens of drawn answers are other ones than those of greedy."""
    drawn = written(generate.generate_sample, np.random.default_rng(0), **options, max_length=4).tokens
    return int((drawn != written(generate.generate_greedy, max_length=4).tokens).sum())


def in_beams(**options):
    """All answers of a beam search."""
    found = written(beam.generate_beam, name="fixed", **{"max_length": 4, **options})
    return [answer for answers in found for answer in answers]


def start_and_source(**choices):
    config = model(embedding_size=3, hidden_size=4, **choices)
    return encode_forward(BATCH.source, BATCH.source_mask, random_params(config), config)[:2]


def first_minus_start():
    start, source = start_and_source(reverse_source=True)
    return np.abs(source.memory[:, 0] - start[0]).max()


def strings(**options):
    how = {"lengths": (3, 4), "alphabet": "xyz", **options}
    return [source for source, _ in tasks.draw_pairs("copy", np.random.default_rng(0), 100, **how)]


def batch(*pair, **options):
    """Source, inputs and targets."""
    made = data.make_batch([pair], LETTERS, LETTERS, **options)
    return made.source.ravel(), made.inputs.ravel(), made.targets.ravel()


def evaluated(**options):
    return training.evaluate(random_params(MODELS["luong"]), MODELS["luong"], BATCH, **options).tokens


# ---- the table ---------------------------------------------------------------------------------------------

LN3, ONE = math.log(3), np.ones((1, 1))
HEADS = {"encoder": "transformer", "decoder": "transformer", "heads": 2}
TABLE = (
    # what is drawn and what is told
    ("source, inputs and targets of a, bc", lambda: batch("a", "bc"), ([4, EOS], [BOS, 5, 6], [5, 6, EOS])),
    ("unk: an unknown letter", lambda: batch("z", "a", unk=True)[0], [UNK, EOS]),
    ("alphabet", lambda: len({letter for s in strings() for letter in s}), 3),
    ("lengths", lambda: [len(min(strings(), key=len)), len(max(strings(), key=len))], [3, 4]),
    ("held_out: strings of the other set", lambda: sum(map(tasks.is_held_out, strings(held_out=True))), 100),
    ("held_out: strings of training", lambda: sum(map(tasks.is_held_out, strings())), 0),
    # layers
    ("log softmax of 0, 1000", lambda: activations.log_softmax(np.array([0.0, 1000.0])), [-1000, 0]),
    ("dtype", lambda: layers.glorot(np.random.default_rng(0), 2, 3, "float32").itemsize, 4),
    ("1 + mean of initial weights", lambda: 1 + layers.glorot(np.random.default_rng(0), 100, 50,
     "float64").mean(), 1, 0.01),
    ("rate: mean of ones after dropout", lambda: layers.dropout_forward(np.ones(10000), 0.2,
     np.random.default_rng(0))[0].mean(), 1, 0.02),
    ("layer norm of 0.001, -0.001", lambda: layers.layer_norm_forward(np.array([1e-3, -1e-3]), {"g": 1,
     "b": 0})[0][0], 11**-0.5),
    ("embedding of ones times the root of 4", lambda: transformer.embedded(np.ones((1, 1, 4)), 0, False,
     model(), None)[0].ravel(), [2] * 4),
    # cells and recurrence
    ("LSTM, input shut, forget gate open", lambda: gates("lstm", -50, 50, 50, 1), [math.tanh(2), 2]),
    ("GRU, update gate open: the old state", lambda: gates("gru", 0, 50, 1), [3]),
    ("GRU, update and reset gate shut", lambda: gates("gru", -50, -50, 1), [math.tanh(1)]),
    ("GRU, update gate shut, reset gate open", lambda: gates("gru", 50, -50, 1), [math.tanh(1.5)]),
    ("mask: a padded step keeps the state", lambda: recurrence((0.5, 7), mask=np.array([[True, False]])),
     [math.tanh(0.5)] * 2),
    ("reverse: from the last step", lambda: recurrence((0.5, 0), reverse=True), [math.tanh(0.5), 0]),
    ("reverse_source: first memory and state", first_minus_start, 0),
    ("attention_only: start of luong", lambda: np.abs(start_and_source(attention_only=True)[0]).max(), 0),
    # attention
    ("attention to scores 0, 1000, 1000", lambda: weights(0, 1000, 1000), [0, 0.5, 0.5]),
    ("mask: attention to what is real", lambda: weights(1, 1, 9, mask=np.array([[[True, True, False]]])),
     [0.5, 0.5, 0]),
    ("mask: nothing is real", lambda: weights(1, 2, mask=np.zeros((1, 1, 2), bool)), [0, 0]),
    ("scaled_dot of four ones", lambda: score("scaled_dot", [1] * 4, [1] * 4), 2),
    ("additive score", lambda: score("additive", [1], [1], Wq=ONE, v=np.ones(1)), math.tanh(2)),
    # loss
    ("cross-entropy", lambda: cross_entropy(0.0), math.log(4)),
    ("smoothing", lambda: cross_entropy(0.5), 0.75 * math.log(4) + 0.25 * math.log(4 / 3)),
    ("mask: token accuracy", lambda: losses.token_accuracy(*np.array([[[1, 2, 0]], [[1, 3, 0]]]),
     np.array([[True, True, False]])), 0.5),
    # places of dropout
    ("dropout between two layers, and before the output", lambda: drawn(layers=2), [8, 12]),
    ("dropout of one layer", lambda: drawn(), [12]),
    ("dropout of a Transformer", lambda: drawn(**HEADS), [8, 8, 8, 12, 12, 12, 12, 12]),
    # optimisers
    ("Adam with gradients 1, 0", lambda: adam((1, 0)), [-1, -1 - 0.9 / 1.9 / (0.999 / 1.999) ** 0.5], 1e-7),
    ("beta1, beta2", lambda: adam((1, 0), beta1=0.5, beta2=0.8), [-1, -1.5], 1e-7),
    ("epsilon", lambda: adam((1e-5,), epsilon=1e-5), [-0.5]),
    ("decay", lambda: adam((0,), theta=1.0, decay=0.25), [0.75]),
    ("max_norm 1.3 of 3, 4 and 12", lambda: clipped(1.3), [0.3, 0.4, 1.2]),
    ("max_norm 20 of 3, 4 and 12", lambda: clipped(20), [3, 4, 12]),
    ("warm-up, half of it", lambda: optim.warmup_cosine(5, 100, 0.2, 10), 0.1),
    ("cosine, half of it", lambda: optim.warmup_cosine(55, 100, 0.2, 10), 0.1),
    ("rate of decay", lambda: optim.exponential_decay(3, 0.8, 0.5), 0.2),
    ("inverse root, warm-up", lambda: optim.inverse_sqrt(2, 0.4, 8), 0.1),
    ("inverse root, after it", lambda: optim.inverse_sqrt(32, 0.4, 8), 0.2),
    # training
    ("schedule", lambda: trained()[0], [1 / 8, 2 / 8, 3 / 8]),
    ("clip", lambda: trained(clip=0.01)[1], [0.01] * 3),
    ("rng: loss with the same generator", lambda: trained()[2][0] - first_loss(), 0),
    ("smoothing of train", lambda: trained(smoothing=0.3)[2][0] - first_loss(0.3), 0),
    ("start", lambda: trained(start=1)[3], [2, 3]),
    ("teacher_forcing is asked at", forced, [1, 2, 3]),
    ("probability 1 replaces", lambda: replaced(1), 0),
    ("probability 0 replaces anything", lambda: int(replaced(0) > 0), 1),
    # writing
    ("tokens that 2 n + 10 allows for n = 3, 2", lambda: generate.answer_limit(MASK, None), [16, 14]),
    ("max_length of greedy", lambda: written(generate.generate_greedy, max_length=2).tokens.shape[1], 2),
    ("max_length of evaluate", lambda: evaluated(max_length=2).shape[1], 2),
    ("max_length of a beam", lambda: max(len(answer.tokens) for answer in in_beams(max_length=2)), 2),
    ("temperature near 0", lambda: unlike_greedy(temperature=1e-6), 0),
    ("top_k 1", lambda: unlike_greedy(temperature=9.0, top_k=1), 0),
    ("width", lambda: len(in_beams(width=2)), 2 * len(BATCH.source)),
    ("alpha",
     lambda: sum(abs(a.score * (5 + len(a.tokens)) / 6 - a.log_probability) for a in in_beams(alpha=1.0)), 0),
)
KNOWN = (*((worked_examples, name) for name in CHAPTERS), *((equals, *row) for row in TABLE))
