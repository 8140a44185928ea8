"""What every demo that trains shares: one model, trained to the end, stopped in between, or gone on with.

A run is decided by its options and its seed. It draws from four streams of random numbers, so that none
disturbs another: 0 initial parameters, 1 training data, 2 held-out data (the demo's own), 3 noise (dropout).
A checkpoint holds all that the next step depends on: a run that goes on from one ends with the same bits as
one never stopped.
"""

import itertools
import json
import math
import signal
import time
from typing import NamedTuple

from numpy_seq2seq.checkpoint import Checkpoint, load_checkpoint, restore_rng, save_checkpoint
from numpy_seq2seq.config import Config
from numpy_seq2seq.optim import adam_init, warmup_cosine
from numpy_seq2seq.seq2seq import seq2seq_init
from numpy_seq2seq.training import evaluate, train

from .options import Progress, random_streams

BATCH = 64
PEAK, WARMUP, CLIP = 1e-2, 50, 1.0
SAVE_SECONDS = 5.0  # between checkpoints: as much work as a power cut may cost
# options that do not change what is trained
NOT_SETTINGS = {"save", "resume", "json", "html", "quick", "interactive"}
NOT_SETTINGS |= {"file", "skip_bad", "ask", "translate", "output", "beam", "nbest"}  # of train_pairs
NOT_SETTINGS |= {"temperature"}  # of describe


class Run(NamedTuple):
    """One trained model."""

    name: str
    config: Config
    params: dict
    steps: int  # that were taken
    seconds: float  # of training, in all sittings together
    interrupted: bool
    seconds_to_99: float | None  # until 99% of a few held-out answers were right, if ever


class Best:
    """The best parameters so far on data that is not trained on, and when to give up hoping for better ones.

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


def fit(name, config, draw, steps, given, *, glance=None, peak=PEAK, warmup=WARMUP, clip=CLIP,
        vocabularies=None, beside="", best=None, then=0.0, advice=None):
    """Train one model with Adam, warm-up and cosine, under a progress line, with checkpoints where asked.

    Args:
        name:   on the progress line.
        draw:   np.random.Generator -> data.Batch, one training batch.
        steps:  of the whole training.
        given:  the demo's options: seed, and where there are such, save and resume.
        glance: held-out data.Batch; its exact match is shown now and then.
        vocabularies: (source, target), kept in the checkpoint.
        beside: of a model trained beside the demo's first: goes into the name of its file, `model.fixed.npz`.
        best:   Best, for validation and early stopping; filled in.
        then:   seconds that are expected to follow this model; counted into the time left.
        advice: how to go on after Ctrl-C, where that is not by --resume.
    Returns:
        Run. After Ctrl-C or SIGTERM the step under way is finished and saved, and `interrupted` is True. With
        `best` its params, and those of the checkpoint, are the best ones, once there are such.
    Raises:
        ValueError: a checkpoint that cannot be read, or of a run with other options.
    """
    target, held = _open(config, steps, given, beside)
    if held is None:
        held = _start(config, steps, given, vocabularies)
    params, state, notes = _go_on(held, best)
    rngs = {stream: restore_rng(held.rngs[stream]) for stream in held.rngs}
    reports = train(params, state, config, (draw(rngs["drawn"]) for _ in itertools.count()), steps,
                    lambda t: warmup_cosine(t, steps, peak, warmup), clip, rng=rngs["noise"], start=held.step)
    progress = Progress(f"{name:<12}" if best is None else name, steps, start=held.step, then=then)
    step, before, started = held.step, notes["seconds"], time.perf_counter()
    saved, over = started, best is not None and best.over(step)

    def save():
        if target is not None:
            now = held._replace(params=params, optimiser=state, step=step, notes=notes)
            states = {stream: rng.bit_generator.state for stream, rng in rngs.items()}
            save_checkpoint(target, _with_best(now, best)._replace(rngs=states))

    with Stop() as stop:
        while step < steps and not stop.asked and not over:
            line = next(reports)
            step, notes["seconds"] = line.step, before + time.perf_counter() - started
            if best is not None and (step % best.every == 0 or step == steps):
                progress.score = f"  valid {best.look(step, params):.4f}"
                over = best.over(step)
            progress.update(line, _exact(params, config, glance, step, steps, notes))
            if time.perf_counter() - saved > SAVE_SECONDS:
                save()
                saved = time.perf_counter()
        if step > held.step or target is not None and not target.exists():
            save()
    interrupted = stop.asked and step < steps and not over
    if interrupted:
        print(f"\nstopped after step {step}: this is what there is; {advice or _how_to_go_on(given, target)}")
    chosen = params if best is None or best.params is None else best.params
    return Run(name, config, chosen, step, notes["seconds"], interrupted, notes["seconds_to_99"])


def in_turn(train_one, names, given):
    """Train one model after another, until one is interrupted: [train_one(name, beside), …].

    The first one's file is PATH as --save gives it; into that of another goes `beside`, its name.

    Raises:
        ValueError: --save would write over such a file.
    """
    names = {name: name.replace(" ", "_") if k else "" for k, name in enumerate(names)}
    if given.save is not None and given.save != given.resume:
        for path in (_file(given.save, beside) for beside in names.values()):
            if path.exists():
                raise ValueError(f"--save {given.save} would write over {path}; give another name")
    results = []
    for name, beside in names.items():
        results.append(train_one(name, beside))
        if results[-1].run.interrupted:
            break
    return results


def _exact(params, config, glance, step, steps, notes):
    """Exact match on a few held-out answers, now and then, or None."""
    if glance is None or step % max(steps // 20, 1):
        return None
    exact = evaluate(params, config, glance).exact_match
    if exact >= 0.99 and notes["seconds_to_99"] is None:
        notes["seconds_to_99"] = notes["seconds"]
    return exact


def _go_on(held, best):
    """Parameters, optimiser and notes of a checkpoint, to be trained on; what was best goes into `best`."""
    state, notes = dict(held.optimiser), dict(held.notes)
    if best is not None and notes.get("best"):
        (best.loss, best.step), best.params = notes["best"], held.params
    return state.pop("running", held.params), state, notes


def _with_best(held, best):
    """A checkpoint whose params are the best ones; those being trained stand beside them."""
    if best is None or best.params is None:
        return held
    optimiser = {**held.optimiser, "running": held.params}
    notes = {**held.notes, "best": [best.loss, best.step]}
    return held._replace(params=best.params, optimiser=optimiser, notes=notes)


def _start(config, steps, given, vocabularies):
    """A run as it is before its first step."""
    initial, drawn, _, noise = random_streams(given.seed, 4)
    params = seq2seq_init(initial, config)
    rngs = {"drawn": drawn.bit_generator.state, "noise": noise.bit_generator.state}
    notes = {"seconds": 0.0, "seconds_to_99": None, "settings": _settings(given, steps)}
    return Checkpoint(params, config, adam_init(params), 0, rngs, vocabularies, notes)


def _open(config, steps, given, beside):
    """Where to save, or None; and the checkpoint to go on from, or None."""
    resume, save = getattr(given, "resume", None), getattr(given, "save", None)
    target, source = _file(save or resume, beside), _file(resume, beside)
    if source is None or (beside and not source.exists()):  # stopped before the second model was begun
        return target, None
    held = load_checkpoint(source)
    now, then = _settings(given, steps), held.notes.get("settings")
    if then is None:
        raise ValueError(f"{source} was not saved by a demo; its training cannot be gone on with")
    for option in then | now:
        if then.get(option) != now.get(option):
            raise ValueError(
                f"{source} was trained with {option} {then.get(option)}, and now it is {now.get(option)}; "
                "go on with the options that it was begun with"
            )
    if held.config != config:
        raise ValueError(
            f"{source} holds another model, {held.config}; go on with the options that it was begun with"
        )
    return target, held


def _file(path, beside):
    """PATH, or for a model beside the first PATH with a word put in before the last suffix."""
    return path if path is None or not beside else path.with_name(f"{path.stem}.{beside}{path.suffix}")


def _settings(given, steps):
    """The options that decide what is trained, as JSON gives them back."""
    options = {name: value for name, value in vars(given).items() if name not in NOT_SETTINGS}
    return json.loads(json.dumps({**options, "steps": steps}, default=str))


def _how_to_go_on(given, target):
    if target is None:
        return "with --save PATH one can go on later"
    return f"saved as {target}, go on with the same options and --resume {given.save or given.resume}"


class Stop:
    """While it is open, a first Ctrl-C or SIGTERM only asks to stop: `asked`. A second one stops at once."""

    def __enter__(self):
        self.asked = False
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
