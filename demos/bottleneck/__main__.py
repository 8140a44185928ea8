"""Which problem of seq2seq does attention solve? Six experiments: `python -m demos.bottleneck`.

What is measured: lab/measures.py, lab/interventions.py; of which models: lab/experiments.py; what is said
about it: lab/sentences.py; how it is drawn: lab/terminal.py, lab/page.py.
"""

from pathlib import Path

from numpy_seq2seq.config import check_choice

from ..shared import add_common_options, finish, parser, run, say, settle_options
from .experiments import EXPERIMENTS
from .models import TRAINED, Laboratory, Stopped
from .page import page
from .sentences import TOLD, find
from .terminal import told

FULL_SIZES, FULL_STEPS = (16, 32, 64, 128), 2000
SMALL = 16
HELD_OUT = 300  # strings for each measurement


def main(arguments=None):
    """Train what is needed, say what was found; returns the exit status."""
    given = read_options(arguments)
    sizes = FULL_SIZES if given.full else tuple(sorted({SMALL, given.hidden}))
    count = HELD_OUT // 6 if given.quick else HELD_OUT
    lab = Laboratory(given.models, given.seed, given.steps, given.cell, given.hidden, sizes, count)
    names = [given.only] if given.only else list(EXPERIMENTS)
    lab.plan([EXPERIMENTS[name] for name in names])
    given.models.mkdir(parents=True, exist_ok=True)
    findings, again, stopped = [], "takes seconds", 0
    try:
        for name in names:
            findings.append(find(name, lab.run(EXPERIMENTS[name])))
            say(told(findings[-1]))
    except Stopped as stop:
        again, (stopped,) = "goes on from there", stop.args
    choices = {name: getattr(given, name) for name in ("seed", "steps", "cell", "hidden")}
    choices["lengths"] = f"{TRAINED[0]}–{TRAINED[1]}"
    kept = f"\nThe models are kept in {given.models}: the same command {again}."
    return finish(given, kept, as_json(choices, findings), lambda: page(findings, choices), stopped)


def read_options(arguments):
    options = parser(
        "bottleneck",
        "Measure what attention solves.\n\n"
        "Six experiments on random strings, each with a question, a picture, and sentences that are computed\n"
        "from this run's figures. Trains about 30 small models in about 3 minutes; they are kept, and the next\n"
        "run takes seconds.\n\n"
        + "\n".join(f"  {name:<10} {question}" for name, (_, question, _) in TOLD.items()),
        "Ctrl-C stops after the step under way; the same command goes on from there.",
    )
    add_common_options(options, seed=0, steps=500, hidden=64, cell="rnn", saves=False, html="all of it")
    options.add_argument("--only", metavar="NAME", help="one experiment")
    full = f"{FULL_STEPS} steps, hidden sizes {', '.join(map(str, FULL_SIZES))}: about an hour"
    options.add_argument("--full", action="store_true", help=full)
    kept = Path("kept_models")
    where = f"where models are kept (default: {kept})"
    options.add_argument("--models", metavar="DIR", type=Path, default=kept, help=where)
    given = options.parse_args(arguments)
    if given.full:
        if given.steps != options.get_default("steps"):
            raise ValueError(f"--full trains {FULL_STEPS} steps; leave --steps {given.steps} out")
        given.steps = FULL_STEPS
    settle_options(given)
    if given.only is not None:
        check_choice("--only", given.only, EXPERIMENTS)
    if given.hidden % 2:
        raise ValueError(f"--hidden must be even, for an encoder that reads both ways; got {given.hidden}")
    return given


def as_json(choices, findings):
    """The choices that were made, and of each experiment its sentences and figures."""
    found = {
        f.name: {"sentences": f.sentences, **{name: grid._asdict() for name, grid in f.grids.items()}}
        for f in findings
    }
    return {"task": "bottleneck", **choices, "findings": found}


if __name__ == "__main__":
    run(main)
