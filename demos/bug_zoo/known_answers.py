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
from numpy_seq2seq.data import EOS, UNK
from numpy_seq2seq.seq2seq import encode_forward, loss_and_gradients, seq2seq_forward
from numpy_seq2seq.symmetries import same

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


def gru(*a):
    """The unit that was h = 3; its gates r, z, n get these numbers, and 1/2 each from the recurrence."""
    (h,), _ = cells.gru_cell_forward(np.array([a], float), np.full((1, 3), 0.5), (3 * ONE,))
    return h.item()


def recurrence(*x, **options):
    """Outputs of a simple network with Wx = 1, Wh = 1/2 and one number in each place."""
    params = {"Wx": ONE, "Wh": ONE / 2, "b": np.zeros(1)}
    args = np.array(x, float).reshape(1, -1, 1), (0 * ONE,), params, cells.CELLS["rnn"]
    return recurrent.recurrent_forward(*args, **options)[0].ravel()


def weights(*row):
    """Attention weights of these scores, the last one padding."""
    return attention.masked_softmax_forward(np.array([[row]], float), REAL[:, None])[0].ravel()


def initial(dtype="float64"):
    return layers.glorot(np.random.default_rng(0), 100, 50, dtype)


def dropped(rate):
    return layers.dropout_forward(np.ones(10000), rate, np.random.default_rng(0))[0]


def adam(*gradients, theta=0.0, **options):
    """Where a parameter is after a step with each of these gradients and learning rate 1."""
    params = {"layer": {"w": np.full(1, theta)}}
    state = optim.adam_init(params)
    for g in gradients:
        optim.adam_step(params, {"layer": {"w": np.full(1, float(g))}}, state, 1.0, **options)
    return params["layer"]["w"].item()


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


def unlike_equation_14():
    """Of Wu et al. (2016), with alpha = 1: log P over (5 + |Y|) / 6."""
    return max(abs(a.score * (5 + len(a.tokens)) / 6 - a.log_probability) for a in in_beams(alpha=1.0))


def start_and_source(**choices):
    config = model(embedding_size=3, hidden_size=4, **choices)
    return encode_forward(BATCH.source, BATCH.source_mask, random_params(config), config)[:2]


def first_minus_start():
    start, source = start_and_source(reverse_source=True)
    return np.abs(source.memory[:, 0] - start[0]).max()


def changed_by_the_score():
    """For each decoder that attends in a recurrence, whether its map depends on the score."""
    def look(decoder, score):
        config = model(embedding_size=3, hidden_size=4, decoder=decoder, score=score)
        return seq2seq_forward(BATCH, random_params(config), config)[1]

    decoders = "luong", "luong_feeding", "bahdanau"
    return [int((look(decoder, "dot") != look(decoder, "scaled_dot")).any()) for decoder in decoders]


def strings(**options):
    how = {"lengths": (3, 4), "alphabet": "xyz", **options}
    return [source for source, _ in tasks.draw_pairs("copy", np.random.default_rng(0), 100, **how)]


def evaluated(**options):
    return training.evaluate(random_params(MODELS["luong"]), MODELS["luong"], BATCH, **options).tokens


# ---- the table ---------------------------------------------------------------------------------------------

ONE, FOUR = np.ones((1, 1)), np.ones((1, 1, 4))
SMALL, SCALE = np.array([1e-3, -1e-3]), {"g": 1, "b": 0}
REAL, TANH = np.array([[True, True, False]]), math.tanh(0.5)
HEADS = {"encoder": "transformer", "decoder": "transformer", "heads": 2}
TABLE = (
    # what is drawn and what is told
    ("unk: an unknown letter", lambda: data.make_batch([("z", "z")], LETTERS, LETTERS, unk=True)[::3],
     [[[UNK, EOS]]] * 2),
    ("alphabet", lambda: len({letter for s in strings() for letter in s}), 3),
    ("lengths", lambda: [len(min(strings(), key=len)), len(max(strings(), key=len))], [3, 4]),
    ("held_out: strings of the other set", lambda: sum(map(tasks.is_held_out, strings(held_out=True))), 100),
    # layers
    ("log softmax of 0, 1000", lambda: activations.log_softmax(np.array([0.0, 1000.0])), [-1000, 0]),
    ("dtype", lambda: initial(dtype="float32").itemsize, 4),
    ("1 + mean of initial weights", lambda: 1 + initial().mean(), 1, 0.01),
    ("rate: mean of ones after dropout", lambda: dropped(0.2).mean(), 1, 0.02),
    ("layer norm of 0.001, -0.001", lambda: layers.layer_norm_forward(SMALL, SCALE)[0][0], 11**-0.5),
    ("four ones, embedded", lambda: transformer.embedded_forward(FOUR, 0, False, model(), None)[0], 2 * FOUR),
    # cells and recurrence
    ("GRU, update gate open: the old state", lambda: gru(0, 50, 1), 3),
    ("mask: a padded step keeps the state", lambda: recurrence(0, 0.5, 7, mask=REAL), [0, TANH, TANH]),
    ("reverse: from the last step", lambda: recurrence(0.5, 0, reverse=True), [TANH, 0]),
    ("reverse_source: first memory and state", first_minus_start, 0),
    ("attention_only: start of luong", lambda: np.abs(start_and_source(attention_only=True)[0]).max(), 0),
    # attention
    ("mask: attention to what is real", lambda: weights(1, 1, 9), [0.5, 0.5, 0]),
    ("score: another map with scaled_dot", changed_by_the_score, [1, 1, 1]),
    ("scaled_dot of four ones", lambda: scores.scaled_dot_score_forward(FOUR, FOUR, {})[0], [[[2]]]),
    # loss
    ("mask: token accuracy", lambda: losses.token_accuracy(REAL * 1, REAL * [1, 2, 0], REAL), 0.5),
    # places of dropout
    ("dropout between two layers, and before the output", lambda: drawn(layers=2), [8, 12]),
    ("dropout of one layer", lambda: drawn(), [12]),
    ("dropout of a Transformer", lambda: drawn(**HEADS), [8, 8, 8, 12, 12, 12, 12, 12]),
    # optimisers
    ("beta1, beta2", lambda: adam(1, 0, beta1=0.5, beta2=0.8), -1.5, 1e-7),
    ("epsilon", lambda: adam(1e-5, epsilon=1e-5), -0.5),
    ("decay", lambda: adam(0, theta=1.0, decay=0.25), 0.75),
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
    ("alpha", unlike_equation_14, 0),
)
KNOWN = (*((worked_examples, name) for name in CHAPTERS), *((equals, *row) for row in TABLE))
