"""One training: run to its end, stopped in between, or resumed; and several, one after another.

A run is decided by its options and its seed. It draws from four streams of random numbers, so that none
disturbs another: 0 initial parameters, 1 training data, 2 held-out data (the program's own), 3 noise
(dropout). A checkpoint holds all that the next step depends on: a run that is resumed ends with the same
bits as one that was never stopped, with the same number of threads on the same kind of processor.
"""

import itertools
import json
import math
import os
import time
from dataclasses import asdict
from functools import partial
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Config, adam_init, adam_step, evaluate, load_checkpoint, make_batch, save_checkpoint
from numpy_seq2seq import seq2seq_init, train, warmup_cosine
from numpy_seq2seq.checkpoint import Checkpoint, restore_rng

from .files import check_files, model_file
from .program import Progress, Stop, say

BATCH = 64
PEAK, WARMUP, CLIP = 1e-2, 50, 1.0
TRANSFORMER_PEAK, TRANSFORMER_WARMUP, TRANSFORMER_BETA2 = 2e-3, 100, 0.98
NOTES = {"settings": dict, "seconds": float, "seconds_to_99": float | None,
         "steps_to_99": int | None, "threads": int, "best": list | None}
SAVE_SECONDS = 5.0  # between checkpoints: as much work as a power cut may cost


class Run(NamedTuple):
    """One trained model."""

    name: str
    config: Config
    params: dict
    vocabularies: tuple  # (source, target)
    steps: int  # that were taken
    seconds: float  # of training, all parts of a resumed run together
    seconds_to_99: float | None  # until 99% of a few held-out answers were right, if ever
    stopped: int  # number of the signal that ended the training before its last step, or 0
    steps_to_99: int | None = None  # and the steps that this took


class Best:
    """The best parameters so far on data that is not trained on, and when to stop waiting for better ones.

    Args:
        validate: params -> loss, in nats per token.
        every:    steps from one validation to the next; the last step is validated too.
        patience: so many validations without a better one end the training ("early stopping").
    """

    def __init__(self, validate, every, patience):
        self.validate, self.every, self.patience = validate, every, patience
        self.loss, self.step, self.params = math.inf, 0, None

    def look(self, step, params):
        """Validate, and keep a copy of the parameters if they are the best; returns the loss."""
        loss = float(self.validate(params))
        if loss < self.loss:
            self.loss, self.step = loss, step
            self.params = {layer: {k: a.copy() for k, a in part.items()} for layer, part in params.items()}
        return loss

    def over(self, step):
        """Whether to stop early. It follows from the best step alone, so a checkpoint needs no counter."""
        return self.params is not None and step - self.step >= self.patience * self.every


def random_streams(seed, count):
    """Independent random generators from one seed."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(count)]


def held_out_stream(seed):
    """The stream that a program draws its held-out data from, and nothing else."""
    return random_streams(seed, 3)[2]


def fit_each(models, draw, options, vocabularies, data, **choices):
    """Train one model after another, each on the same batches, until one is stopped.

    The first one's file is PATH as --save gives it; into that of another goes its name, `model.fixed.npz`.

    Args:
        models: {name: choices of a Config}; the others are as in fit.
    Returns:
        list of Run.
    Raises:
        ValueError: before any training, if a model cannot be made, or --save or another option would write
            over a file that matters.
    """
    sizes, hidden = list(map(len, vocabularies)), {"hidden_size": options.hidden}
    configs = {name: Config(*sizes, **hidden, **own) for name, own in models.items()}
    tags = [name.removesuffix(" vector").replace(" ", "_") if k else "" for k, name in enumerate(configs)]
    check_files(options, tags)
    runs, width = [], max(map(len, configs))
    for (name, config), tag in zip(configs.items(), tags):
        runs.append(fit(f"{name:<{width}}", config, draw, options, vocabularies, data, tag=tag, **choices))
        if runs[-1].stopped:
            break
    return runs


def fit(name, config, draw, options, vocabularies, data, *, sample=(), peak=PEAK, warmup=WARMUP,
        transformer_peak=TRANSFORMER_PEAK, best=None, tag="", seconds_after=0.0, advice=None):
    """Train one model with Adam, warm-up and cosine, under a progress line, with checkpoints where asked.

    Args:
        name:    on the progress line.
        draw:    np.random.Generator -> data.Batch, one training batch.
        options: of the program: seed, steps, save and resume.
        vocabularies: (source, target).
        data:    dict, what decides the training data beside the seed, as JSON holds it. A training is resumed
                 with the same only.
        sample:  held-out pairs; their exact match is shown now and then.
        peak, warmup: of the learning rate; a model with a Transformer in it has transformer_peak.
        best:    Best, for validation and early stopping; filled in.
        tag:     of a model after the program's first, for the name of its file.
        seconds_after: expected to follow this model; counted into the time left.
        advice:  how to resume after Ctrl-C, where that is not by --resume.
    Returns:
        Run. After Ctrl-C, SIGTERM or SIGHUP the step under way is finished and saved. With `best` its params,
        and those of the checkpoint, are the best ones, once there are such.
    Raises:
        ValueError: a checkpoint that cannot be read, or of a run with other options.
    """
    steps, settings = options.steps, {"seed": options.seed, "steps": options.steps, **data}
    start = _resumed(model_file(options.resume, tag), tag, config, settings)
    start = start or _begun(config, settings, vocabularies)
    training = _Training(start, model_file(options.save or options.resume, tag), best, sample)
    reports = training.reports(draw, steps, *pace(config, steps, peak, warmup, transformer_peak))
    progress = Progress(name, steps, start.step, seconds_after)
    with Stop() as stop:
        while training.step < steps and not stop.asked and not (best and best.over(training.step)):
            report = next(reports)
            progress.update(report, training.score(report.step, steps))
            if time.perf_counter() - training.saved > SAVE_SECONDS:
                training.save()
        if training.step > start.step or not (training.path and training.path.exists()):
            training.save()
    if stop.asked:
        say(f"\nstopped after step {training.step} of {steps}; {advice or _how_to_resume(options)}")
    notes = training.notes
    return Run(name.strip(), config, training.chosen(), start.vocabularies, training.step, notes["seconds"],
               notes["seconds_to_99"], stop.asked, notes.get("steps_to_99"))


def pace(config, steps, peak, warmup, transformer_peak):
    """The schedule of the learning rate, and Adam. A model with a Transformer in it has its own.

    Source: β₂: Vaswani et al. (2017), section 5.3.
    """
    update = adam_step
    if config.heads is not None:
        peak, warmup = transformer_peak, TRANSFORMER_WARMUP
        update = partial(adam_step, beta2=TRANSFORMER_BETA2)
    return partial(warmup_cosine, steps=steps, peak=peak, warmup=warmup), update


class _Training:
    """A checkpoint that is trained on; its arrays are written in place."""

    def __init__(self, start, path, best, sample):
        self.start, self.path, self.best, self.step = start, path, best, start.step
        self.sample = make_batch(sample, *start.vocabularies) if sample else None
        self.notes, self.optimiser = {**start.notes, "threads": _threads()}, dict(start.optimiser)
        if best is not None and self.notes.get("best"):
            (best.loss, best.step), best.params = self.notes["best"], start.params
        self.params = self.optimiser.pop("running", start.params)
        self.rngs = {stream: restore_rng(state) for stream, state in start.rngs.items()}
        self.saved = time.perf_counter()
        self.begun = self.saved - self.notes["seconds"]

    def reports(self, draw, steps, schedule, update):
        batches = (draw(self.rngs["drawn"]) for _ in itertools.count())
        return train(self.params, self.optimiser, self.start.config, batches, steps, schedule, CLIP, update,
                     rng=self.rngs["noise"], start=self.step)

    def score(self, step, steps):
        """Note that a step was taken; now and then a figure on held-out data, as text."""
        self.step, self.notes["seconds"] = step, time.perf_counter() - self.begun
        if self.best and (step % self.best.every == 0 or step == steps):
            return f"valid {self.best.look(step, self.params):.4f}"
        if self.sample and step % max(steps // 20, 5) == 0:
            share = evaluate(self.params, self.start.config, self.sample).exact_match
            if share >= 0.99 and self.notes["seconds_to_99"] is None:
                self.notes |= {"seconds_to_99": self.notes["seconds"], "steps_to_99": step}
            return f"exact {share:4.0%}"
        return None

    def chosen(self):
        """The best parameters, or where there are none yet those being trained."""
        return self.params if self.best is None or self.best.params is None else self.best.params

    def save(self):
        """Write the checkpoint. If its params are the best ones, those being trained are in its optimiser."""
        if self.path is None:
            return
        rngs = {stream: rng.bit_generator.state for stream, rng in self.rngs.items()}
        params, optimiser, notes = self.chosen(), self.optimiser, self.notes
        if params is not self.params:
            optimiser = {**optimiser, "running": self.params}
            notes = {**notes, "best": [self.best.loss, self.best.step]}
        now = {"params": params, "optimiser": optimiser, "step": self.step, "rngs": rngs, "notes": notes}
        save_checkpoint(self.path, self.start._replace(**now))
        self.saved = time.perf_counter()

def _begun(config, settings, vocabularies):
    """A training as it is before its first step."""
    initial, drawn, _, noise = random_streams(settings["seed"], 4)
    params = seq2seq_init(initial, config)
    rngs = {"drawn": drawn.bit_generator.state, "noise": noise.bit_generator.state}
    notes = {"seconds": 0.0, "seconds_to_99": None, "settings": settings}
    return Checkpoint(params, config, adam_init(params), 0, rngs, vocabularies, notes)


def _resumed(path, tag, config, settings):
    """The checkpoint to be trained on, or None. It says what is not as it was."""
    if path is None or (tag and not path.exists()):  # stopped before the second model was begun
        return None
    start = load_checkpoint(path)
    odd = [name for name, kind in NOTES.items() if not isinstance(start.notes.get(name), kind)]
    if odd or "steps" not in start.notes["settings"] or not start.rngs.keys() >= {"drawn", "noise"}:
        raise ValueError(f"{path} was not saved by a program of demos, or its notes are damaged {odd}; "
                         "its training cannot be resumed")
    now = json.loads(json.dumps({**settings, **asdict(config)}))
    was = {**start.notes["settings"], **asdict(start.config)}
    for option in was | now:
        if option != "steps" and was.get(option) != now.get(option):
            raise ValueError(f"{path} was trained with {option} {was.get(option)}, and now it is "
                             f"{now.get(option)}; resume with the options that it was begun with")
    if start.step > settings["steps"]:
        raise ValueError(f"{path} has taken {start.step} steps; --steps {settings['steps']} would be fewer")
    if was["steps"] != now["steps"]:
        say(f"{path}: begun with --steps {was['steps']}, now {now['steps']}; from step {start.step + 1} on "
            f"the learning rate is that of a training of {now['steps']} steps")
    before, threads = start.notes.get("threads"), _threads()
    if before not in (None, threads):
        say(f"{path}: trained with {before} threads, now {threads}; the last bits may differ")
    return start._replace(notes={**start.notes, "settings": settings})


def _threads():
    """How many threads NumPy's products may use."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    limits = (os.environ.get(name, "") for name in names)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return next((int(n) for n in limits if n.isdecimal()), processors)


def _how_to_resume(options):
    if not (options.save or options.resume):
        return "with --save PATH it could be resumed"
    return f"saved; the same options and --resume {options.save or options.resume} go on from there"
