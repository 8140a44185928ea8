"""What a program shows of its models: tables, bars, maps and claims as text; figures for JSON; a page."""

import html
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import evaluate, make_batch, parameter_count, show

from .program import finish
from .training import Run

TOGETHER = 512  # pairs that are evaluated at one time
AMONG = 200  # pairs that an example is chosen from
COLUMNS = 108  # of a map, where there is no terminal to ask
NO_MAP = "This model has no map: it does not attend."
ROWS = 30  # of a map, and symbols of an example: what more a poor model writes is left out
WIDEST = 40  # columns of an answer in a table
TRAINING = (  # label, name and form of a figure
    ("parameters", "parameters", "{:,}"),
    ("training steps", "steps", "{}"),
    ("seconds", "seconds", "{:.1f}"),
    ("loss, nats per token", "loss", "{:.4f}"),
)
ACCURACY = ("token accuracy", "token_accuracy", "{:.2%}"), ("exact match", "exact_match", "{:.2%}")


class Result(NamedTuple):
    """One trained model, and what it says by itself to held-out pairs."""

    run: Run
    pairs: list  # of (source, target)
    said: list  # its answer to each, as a list of symbols
    maps: list | None  # of each the weights: a row for an output symbol, a column for one of the source
    loss: float  # nats per token, with teacher forcing
    token_accuracy: float | None
    more: dict = {}  # figures of the program's own

    @property
    def right(self):
        """(N,) boolean: the whole answer."""
        return np.array([said == list(target) for said, (_, target) in zip(self.said, self.pairs)])


def judge(run, pairs):
    """A Result from a Run and held-out pairs."""
    seen, tokens = [], []
    for k in range(0, len(pairs), TOGETHER):
        batch = make_batch(pairs[k : k + TOGETHER], *run.vocabularies)
        seen.append(evaluate(run.params, run.config, batch))
        tokens.append(batch.target_mask.sum())
    loss, accuracy = (float(np.average([getattr(e, name) for e in seen], weights=tokens))
                      for name in ("loss", "token_accuracy"))
    said = [run.vocabularies[1].decode(row) for e in seen for row in e.tokens]
    maps = [weights for e in seen if e.weights is not None for weights in e.weights] or None
    return Result(run, pairs, said, maps, loss, accuracy)


# ---- figures -----------------------------------------------------------------------------------------------


def figures(result):
    """What one model reached, as a dict for tables and JSON."""
    run = result.run
    return {
        **{name: getattr(run.config, name) for name in ("encoder", "decoder", "score", "directions")},
        **{name: getattr(run, name) for name in ("steps", "seconds", "seconds_to_99", "steps_to_99")},
        "parameters": parameter_count(run.params),
        "loss": result.loss,
        "token_accuracy": result.token_accuracy,
        "exact_match": float(result.right.mean()),
        **result.more,
    }


def by_group(right, groups):
    """dict: group -> share of what is right; groups has one for each of Result.right."""
    found = {}
    for group, one in zip(groups, right):
        found.setdefault(group, []).append(one)
    return {group: float(np.mean(found[group])) for group in sorted(found)}


def percent(share):
    """A share in [0, 1] as a reader wants it: no 100% and no 0% that is none."""
    said = f"{share:.0%}"
    if said in ("0%", "100%") and 0 < share < 1:
        return f"{min(max(share, 0.001), 0.999):.1%}"
    return said


# ---- claims ------------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """A fixed sentence, the figure that was measured, and the threshold that decides whether it held."""

    text: str
    measured: float
    bound: float
    at_most: bool = False  # else the figure has to be at least the bound
    form: str = "{:.1%}"

    @property
    def held(self):
        return bool(self.measured <= self.bound if self.at_most else self.measured >= self.bound)

    @property
    def needed(self):
        return f"{'≤' if self.at_most else '≥'} {self.form.format(self.bound)}"

    def as_dict(self):
        return {"claim": self.text, "measured": self.measured, "needed": self.needed, "held": self.held}


def claims_table(claims, head=("claim", "measured", "needed", "held")):
    rows = [(c.text, c.form.format(c.measured), c.needed, show.mark(c.held)) for c in claims]
    return show.table(head, rows)


def conclude(task, options, parts, results, claims, numbers, say=str):
    """Finish a program that compares models: text, JSON and page from what it found.

    In the JSON are the first model's figures, and those of a model beside it under its decoder's name.

    Args:
        parts:   of the text.
        results: of each model.
        numbers: of the pairs on the page, with answers written by `say`.
    Returns:
        exit status.
    """
    claims, (first, *others) = list(claims), map(figures, results)
    found = {"task": task, "seed": options.seed, "claims": [claim.as_dict() for claim in claims], **first}
    found |= {other["decoder"]: other for other in others}
    text = "\n\n".join(["", *parts, claims_table(claims)])
    return finish(options, text, found, lambda: page(task, results[0], numbers, say), results[-1].run.stopped)


# ---- tables ------------------------------------------------------------------------------------------------


def summary(head, results, *more):
    """The models side by side; more: rows as those of TRAINING."""
    return figure_table(head, {r.run.name: figures(r) for r in results}, (*TRAINING, *ACCURACY, *more))


def figure_table(head, columns, rows):
    """Figures side by side; a figure that is missing or None is a dash.

    Args:
        columns: {name: dict of figures}.
        rows:    (label, name of the figure, form); the name "a.b" is that of b among the figures of a.
    """
    cells = [(label, *(_cell(found, name, form) for found in columns.values())) for label, name, form in rows]
    return show.table((head, *columns), cells)


def _cell(figure, name, form):
    for part in name.split("."):
        figure = (figure or {}).get(part)
    return "–" if figure is None else form.format(figure)


def examples(results, numbers, text="".join):
    """source, wanted, and what each model says, with a mark, of the pairs with these numbers."""
    rows = []
    for n in numbers:
        source, target = (text(side) for side in results[0].pairs[n])
        said = (f"{cut(text(r.said[n]), WIDEST)} {show.mark(r.right[n])}" for r in results)
        rows.append((source, target, *said))
    return show.table(("src", "want", *(f"got: {r.run.name}" for r in results)), rows)


def long_examples(results, numbers, sources, text=" ".join):
    """The same line by line; sources: of each of these pairs the source as text."""
    lines = []
    for n, source in zip(numbers, sources):
        lines += ["", f"src   {source}", f"want  {text(results[0].pairs[n][1])}"]
        for r in results:
            said = "" if r.right[n] else f"  {text(r.said[n][:ROWS])}"
            lines.append(f"got   {r.run.name:<12} {show.mark(r.right[n])}{said}")
    return "\n".join(lines[1:])


def cut(text, columns):
    return text if len(text) <= columns else text[: columns - 1] + "…"


def shares(title, results, figure, labels=None):
    """A row for each model, a column for each share of a figure: a dict, or a list with labels of its own."""
    found = [result.more[figure] for result in results]
    rows = [(r.run.name, *map(percent, f if labels else f.values())) for r, f in zip(results, found)]
    return show.table((title, *(labels or found[0])), rows)


def bars(title, head, results, figure):
    """A row for each share of a figure, a dict or a list, with a bar for each model."""
    found = [f if isinstance(f, dict) else dict(enumerate(f, 1)) for f in (r.more[figure] for r in results)]
    rows = [(key, *(_bar(share[key]) for share in found)) for key in found[0]]
    return f"{title}\n{show.table((head, *(show.fit(r.run.name, 26) for r in results)), rows)}"


def _bar(share):
    return f"{show.fit(show.bar(share), 20)} {percent(share):>5}"


# ---- maps --------------------------------------------------------------------------------------------------


def short_to_long(pairs, count):
    """Numbers of a few of the first pairs, from a short source to a long one."""
    order = sorted(range(min(4 * count, len(pairs))), key=lambda n: len(pairs[n][0]))
    return order[:: max(len(order) // count, 1)][:count]


def longest(pairs, count=6):
    """Numbers of a few of the first pairs, the longest source first."""
    return sorted(range(min(AMONG, len(pairs))), key=lambda n: -len(pairs[n][0]))[:count]


def tokens(result, n, say=str):
    """Source and answer n as tokens, those of the answer as `say` writes them, and the map between them."""
    source = ["·" if symbol == " " else symbol for symbol in result.pairs[n][0]]
    output = [*map(say, result.said[n]), show.EOS_SIGN][: len(result.maps[n])]
    return [*source, show.EOS_SIGN], output, result.maps[n][: len(output), : len(source) + 1]


def example_map(result, numbers, say=str):
    """The first map that is not too wide; of a long answer the beginning. Or that there is none."""
    if result.maps is None:
        return NO_MAP
    columns = shutil.get_terminal_size((COLUMNS, 0)).columns
    for source, output, weights in (tokens(result, n, say) for n in numbers):
        drawn = show.attention_map(weights[:ROWS], source, output[:ROWS], columns)
        if "\n\n" not in drawn:  # else it is cut into blocks
            break
    return f"Where it looks while it writes: source across, output down\n{drawn}"


def page(task, result, numbers, say=str):
    """A self-contained page with a map and a slider for each of the pairs with these numbers."""
    config = result.run.config
    choices = ", ".join(filter(None, (config.cell, config.decoder, config.score)))
    exact = percent(result.right.mean())
    note = f"{choices}; {result.run.steps} steps; exact match {exact} on held-out data."
    data = [dict(zip(("source", "output", "weights"), tokens(result, n, say))) for n in numbers]
    return fill(Path(__file__).with_name("page.html"), data, title=f"Attention on {task}", note=note)


def fill(template, data, **texts):
    """A page: a file with {{data}} in its script, three digits of each weight, and texts put in by name."""
    parts = {name: html.escape(text) for name, text in texts.items()}
    digits = json.dumps(data, default=lambda weights: weights.astype(float).round(3).tolist())
    parts["data"] = digits.replace("<", "\\u003c")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template.read_text(encoding="utf-8"))
