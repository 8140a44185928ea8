"""The models of the laboratory: each is trained once, kept, and taken from the disk the next time."""

import json
import time
import zlib
from argparse import Namespace
from pathlib import Path

import numpy as np

from numpy_seq2seq.cells import CELLS
from numpy_seq2seq.config import DECODERS, Config
from numpy_seq2seq.data import Vocabulary, make_batch
from numpy_seq2seq.seq2seq import parameter_count, seq2seq_init
from numpy_seq2seq.tasks import LETTERS, draw_pairs

from ..shared import BATCH, fit, random_streams

EMBEDDING = 32
TRAINED = (1, 20)  # lengths

# The models that are compared, by name, as choices of Config. A new model needs a row here and its name in
# experiments.COMPARED. What a row does not say, the experiment and then the laboratory decide.
MODELS = {
    "fixed": {"decoder": "fixed"},
    "peeky": {"decoder": "peeky"},
    "luong": {"decoder": "luong"},
    "bahdanau": {"decoder": "bahdanau", "score": "additive", "directions": 2},  # as in the paper
    "transformer": {"encoder": "transformer", "decoder": "transformer", "layers": 2, "cell": None,
                    "embedding_size": None},
}  # fmt: skip
TIMES = {"transformer": 2}  # training steps, as a multiple of those of the other models


def attends(name):
    """Whether the decoder of a model of MODELS attends."""
    return DECODERS[MODELS[name]["decoder"]].attends


class Stopped(Exception):
    """A signal, its argument, ended the training; what was trained so far is kept."""


class Laboratory:
    """Trains models on demand and hands out held-out strings.

    Args:
        folder:  where models are kept.
        seed:    of everything.
        steps:   training steps of each model.
        cell, hidden: unless an experiment says otherwise.
        sizes:   hidden sizes that are compared.
        count:   held-out strings for a measurement.
    """

    def __init__(self, folder, seed, steps, cell, hidden, sizes, count):
        self.folder, self.seed, self.steps, self.cell, self.hidden = Path(folder), seed, steps, cell, hidden
        self.sizes, self.count = sizes, count
        self.vocabulary = Vocabulary(LETTERS)
        self.matched = {c: self._matched(c) for c in CELLS}  # hidden size of the model without attention
        self.models, self.seconds = {}, []  # what was asked for in this run, and how long each took

    def plan(self, experiments):
        """Say beforehand what will be needed, for the time left."""
        self.planned = {self._key(*m) for e in experiments for m in e.models(self).values()}

    def run(self, experiment):
        """Train what an experiment needs, then measure. Returns its named grids."""
        runs = {label: self.model(*m) for label, m in experiment.models(self).items()}
        return experiment.measure(self, runs)

    def model(self, task, model, choices):
        """Run of a model: the kept one, or a new one.

        Args:
            model:   a name of MODELS.
            choices: hidden, cell, lengths, steps, and any choice of Config; what is not given is the
                laboratory's own.
        """
        key = self._key(task, model, choices)
        if key not in self.models:
            before = time.perf_counter()
            self.models[key] = self._fit(key, len(self.planned - set(self.models)) - 1)
            self.seconds.append(time.perf_counter() - before)
        return self.models[key]

    def _key(self, task, model, choices):
        cell = choices.get("cell", self.cell)
        hidden = self.matched[cell] if model == "fixed" and "hidden" not in choices else self.hidden
        usual = {"cell": cell, "hidden": hidden, "lengths": TRAINED, "seed": self.seed}
        usual["steps"] = self.steps * TIMES.get(model, 1)
        given = {k: v for k, v in choices.items() if v is not False}  # False is the default of every choice
        return json.dumps({"task": task, **usual, **given, **MODELS[model]}, sort_keys=True)

    def _matched(self, cell):
        """The even hidden size at which the model without attention has at least as many parameters as luong
        at the usual one, less one part in twenty: its vector is larger then, so that nobody can say it was
        too small."""
        wanted, H = 0.95 * self._size("luong", self.hidden, cell), self.hidden
        while self._size("fixed", H, cell) < wanted:
            H += 2
        return H

    def _size(self, decoder, hidden, cell):
        config = self._config(decoder, hidden, cell=cell)
        return parameter_count(seq2seq_init(np.random.default_rng(0), config))

    def _config(self, decoder, hidden, **choices):
        V, sizes = len(self.vocabulary), {"embedding_size": EMBEDDING, "hidden_size": hidden}
        return Config(V, V, decoder=decoder, **{**sizes, **choices})

    def initial(self, run):
        """Parameters of a run before its first step."""
        return seq2seq_init(random_streams(self.seed, 4)[0], run.config)

    def _fit(self, key, left):
        settings = json.loads(key)
        choices = {k: v for k, v in settings.items() if k not in ("task", "lengths", "seed", "steps")}
        config = self._config(**choices)
        name = [settings["task"], config.decoder, *filter(None, [config.cell]), str(config.hidden_size)]
        path = self.folder / f"{'-'.join(name)}-{zlib.crc32(key.encode()):08x}.npz"
        options = Namespace(**settings, save=path, resume=path if path.exists() else None)
        run = fit(
            f"{left:>2} more  {' '.join(name):<22}",
            config,
            lambda rng: self._draw(rng, settings["task"], BATCH, settings["lengths"]),
            options,
            (self.vocabulary, self.vocabulary),
            {"task": settings["task"], "lengths": settings["lengths"]},
            seconds_after=left * sum(self.seconds) / max(len(self.seconds), 1),
            advice="the same command continues from here",
        )
        if run.stopped:
            raise Stopped(run.stopped)
        return run

    def _draw(self, rng, task, count, lengths, held_out=False):
        pairs = draw_pairs(task, rng, count, tuple(lengths), held_out=held_out)
        return make_batch(pairs, self.vocabulary, self.vocabulary)

    def strings(self, task, length, count=None):
        """Held-out batch of one length; the same strings whenever it is asked for."""
        rng = random_streams([self.seed, length], 3)[2]
        return self._draw(rng, task, count or self.count, (length, length), held_out=True)
