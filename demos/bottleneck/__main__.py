"""Which problem of seq2seq does attention solve? Seven experiments: `python -m demos.bottleneck`.

What is measured: measures.py, interventions.py. Of which models: models.py, experiments.py. What is claimed:
claims.py.
How it is drawn: terminal.py, svg.py, the drawings *.svg, page.py, figures.py. All texts: texts.json.
"""

from pathlib import Path
from typing import NamedTuple

from numpy_seq2seq.config import check_choice

from ..shared import add_common_options, finish, parser, run, say, settle_options
from .claims import find_claims
from .experiments import EXPERIMENTS
from .figures import MEASURED, SEEDS, figures
from .models import TRAINED, Laboratory, Stopped
from .page import page
from .terminal import told
from .texts import LANGUAGES, read_texts

STEPS, FULL_STEPS = 500, 2000
SMALL, FULL_SIZES = 16, (16, 32, 64, 128)
HELD_OUT = 300  # strings for each measurement


class Finding(NamedTuple):
    """One experiment: what was measured, and what is claimed of it."""

    name: str
    grids: dict
    claims: list


def main(arguments=None):
    """Train what is needed, show what was found; returns the exit status."""
    options = read_options(arguments)
    text, findings, end, stopped = read_texts(options.language), [], "terminal.kept", 0
    options.models.mkdir(parents=True, exist_ok=True)
    try:
        if options.figures is not None:
            write_figures(options, text)
        else:
            names = [options.only] if options.only else EXPERIMENTS
            lab = laboratory(options, options.seed, [EXPERIMENTS[name] for name in names])
            for name in names:
                grids = lab.run(EXPERIMENTS[name])
                findings.append(Finding(name, grids, find_claims(name, grids, text)))
                say(told(findings[-1], text))
    except Stopped as stop:
        end, (stopped,) = "terminal.stopped", stop.args
    choices = {name: getattr(options, name) for name in ("seed", "steps", "cell", "hidden")}
    choices["lengths"] = f"{TRAINED[0]}–{TRAINED[1]}"
    kept = "\n" + text[end].format(folder=options.models)
    return finish(options, kept, as_json(choices, findings), lambda: page(findings, choices, text), stopped)


def laboratory(options, seed, experiments):
    """The Laboratory that the options ask for, with the experiments that will be run."""
    sizes = FULL_SIZES if options.full else tuple(sorted({SMALL, options.hidden}))
    count = HELD_OUT // 6 if options.quick else HELD_OUT
    lab = Laboratory(options.models, seed, options.steps, options.cell, options.hidden, sizes, count)
    lab.plan(experiments)
    return lab


def write_figures(options, text):
    """Measure with SEEDS seeds, from the one given on, and write the figures of README."""
    labs = (laboratory(options, options.seed + k, [MEASURED]) for k in range(SEEDS))
    for name, drawn in figures(text, [lab.run(MEASURED) for lab in labs]).items():
        (options.figures / name).write_text(drawn, encoding="utf-8")
        say(f"wrote {options.figures / name}")


def read_options(arguments):
    """The options, checked."""
    text = read_texts("en")
    command = parser(
        "bottleneck",
        "Measure what attention solves.\n\n"
        "Seven experiments on random strings, each with a question, pictures, and a table of claims: what\n"
        "is said, what was measured in this run, what is needed, and whether it held. Trains about 30 small\n"
        "models in about 3 minutes; they are kept, and the next run takes seconds.\n\n"
        + "\n".join(f"  {name:<11} {text[f'{name}.question']}" for name in EXPERIMENTS),
        "Ctrl-C stops after the step under way; the same command continues from there.",
    )
    add_common_options(command, seed=0, steps=STEPS, hidden=64, cell="rnn", saves=False, html="all of it")
    command.add_argument("--only", metavar="NAME", help="one experiment")
    language = f"of claims, pictures and page: {', '.join(LANGUAGES)} (default: en)"
    command.add_argument("--language", metavar="CODE", default="en", help=language)
    full = f"{FULL_STEPS} steps, hidden sizes {', '.join(map(str, FULL_SIZES))}: about an hour"
    command.add_argument("--full", action="store_true", help=full)
    drawn = f"write the figures of README as SVG files, measured with {SEEDS} seeds, and nothing else"
    command.add_argument("--figures", metavar="DIR", type=Path, help=drawn)
    kept = Path("kept_models")
    where = f"where models are kept (default: {kept})"
    command.add_argument("--models", metavar="DIR", type=Path, default=kept, help=where)
    return check_options(command.parse_args(arguments))


def check_options(options):
    """The options with --full and --quick applied; raises ValueError unless they make sense."""
    if options.full and options.quick:
        raise ValueError("--full takes about an hour and --quick a few seconds; leave one of them out")
    if options.full and options.steps != STEPS:
        raise ValueError(f"--full trains {FULL_STEPS} steps; leave --steps {options.steps} out")
    options.steps = FULL_STEPS if options.full else options.steps
    settle_options(options)
    if options.only is not None:
        check_choice("--only", options.only, EXPERIMENTS)
    check_choice("--language", options.language, LANGUAGES)
    if options.hidden % 4:
        raise ValueError(f"--hidden must be a multiple of 4, the Transformer's heads; got {options.hidden}")
    if options.figures is not None:
        if not options.figures.is_dir():
            raise ValueError(f"--figures: there is no folder {options.figures}")
        for name in ("only", "json", "html"):
            if getattr(options, name) is not None:
                raise ValueError(f"--figures writes figures and nothing else; leave --{name} out")
    return options


def as_json(choices, findings):
    """The choices that were made, and of each experiment its claims and figures."""
    found = {}
    for name, grids, claims in findings:
        figures = {label: grid._asdict() for label, grid in grids.items()}
        found[name] = {"claims": [claim.as_dict() for claim in claims], **figures}
    return {"task": "bottleneck", **choices, "findings": found}


if __name__ == "__main__":
    run(main)
