"""What a trained model of train_pairs says: at a prompt, or to a file of sources. Used by train_pairs."""

import contextlib
import io
import sys
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import show
from numpy_seq2seq.beam import generate_beam
from numpy_seq2seq.checkpoint import load_checkpoint
from numpy_seq2seq.config import Config
from numpy_seq2seq.data import EOS, Vocabulary, make_source
from numpy_seq2seq.generate import generate_greedy

from ..shared import prompts
from .reading import LEVELS, BadLine, decode, is_cut, numbered_lines

LONGEST = 1000  # symbols of a source that is answered
BLOCK = 4096  # lines that are grouped by length
ROWS, WEIGHTS = 64, 25_000_000  # of a batch, at most: its rows, the numbers in its attention
WORD = 7  # columns that a word gets in a map


class Model(NamedTuple):
    """All that is needed to answer."""

    params: dict
    config: Config
    reads: Vocabulary
    writes: Vocabulary
    level: str
    longest: int  # symbols of the longest answers that were learnt


class Answer(NamedTuple):
    """One answer to one source."""

    tokens: np.ndarray
    score: float  # log probability over length penalty (beam search), or NaN (greedy)
    weights: np.ndarray | None  # (tokens, source with EOS)


def open_model(path):
    """A Model from a checkpoint that a demo saved: its best parameters. Raises ValueError."""
    held = load_checkpoint(path)
    if held.vocabularies is None:
        raise ValueError(f"{path} holds no vocabulary; give a model that train_pairs saved")
    settings = held.notes.get("settings", {})
    choices = settings.get("level", "characters"), settings.get("max_length", 0)
    return Model(held.params, held.config, *held.vocabularies, *choices)


def answers(model, sources, beam=1, nbest=1):
    """The best answers to each source: greedy, or of a beam.

    Sources of one length are answered together. So no padding is needed, and an answer does not depend on the
    sources beside it.

    Returns:
        list of lists of Answer, best first; fewer than nbest only where there are no more.
    """
    found = [[] for _ in sources]
    by_length = {}
    for n, source in enumerate(sources):
        by_length.setdefault(len(source), []).append(n)
    for length, places in by_length.items():
        limit = max(2 * length + 12, model.longest + 1)
        rows = int(np.clip(WEIGHTS // (beam * limit * (length + 1)), 1, ROWS))
        for group in (places[k : k + rows] for k in range(0, len(places), rows)):
            for n, answer in zip(group, _answer(model, [sources[n] for n in group], beam, limit)):
                found[n] = answer[:nbest]
    return found


def _answer(model, sources, beam, limit):
    source, mask = make_source(sources, model.reads, unk=True)
    if beam > 1:
        return [
            [Answer(h.tokens, h.score, h.weights) for h in hypotheses]
            for hypotheses in generate_beam(source, mask, model.params, model.config, beam, max_length=limit)
        ]
    tokens, weights = generate_greedy(source, mask, model.params, model.config, limit)
    return [[Answer(row, np.nan, None if weights is None else weights[n])] for n, row in enumerate(tokens)]


def text(symbols, level):
    """Symbols written as one text."""
    return ("" if level == "characters" else " ").join(symbols)


# ---- a file of sources -------------------------------------------------------------------------------------


def read_sources(path, level):
    """The sources of a file, one on each line, as symbols; a blank line gives an empty one.

    Raises:
        ValueError: a line that is not UTF-8, has a NUL byte or a tab, or is longer than LONGEST.
    """
    sources = []
    with open(path, "rb") as file:
        for number, raw in numbered_lines(file):
            try:
                line = decode(b"" if is_cut(raw) else raw)
                if "\t" in line:
                    raise BadLine("a tab; a line holds one source and nothing else")
                sources.append(LEVELS[level](line.strip()))
                if is_cut(raw) or len(sources[-1]) > LONGEST:
                    raise BadLine(f"longer than {LONGEST:,} {level}")
            except BadLine as bad:
                raise ValueError(f"{path}, line {number}: {bad}") from None
    return sources


def translate(model, path, output=None, beam=1, nbest=1):
    """Answer every line of a file, one line for each; or, with nbest above 1, one for each answer:
    `line<TAB>score<TAB>answer`.
    """
    sources = read_sources(path, model.level)
    with _opened(output) as out:
        for start in range(0, len(sources), BLOCK):
            block = sources[start : start + BLOCK]
            asked = [source for source in block if source]
            found = iter(answers(model, asked, beam, nbest))
            for number, source in enumerate(block, start + 1):
                for answer in next(found) if source else [None]:
                    said = "" if answer is None else text(model.writes.decode(answer.tokens), model.level)
                    score = 0.0 if answer is None else answer.score
                    out.write(f"{said}\n" if nbest == 1 else f"{number}\t{score:.4f}\t{said}\n")
            out.flush()
    _tell_unknown(model, sources)


@contextlib.contextmanager
def _opened(path):
    """The file to write to; never one that exists."""
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8")  # as the file of sources
        yield sys.stdout
        return
    try:
        file = open(path, "x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise ValueError(f"--output: there is a {path} already; give another name") from None
    with file:
        yield file


def _tell_unknown(model, sources):
    unknown = {s for source in sources for s in source if s not in model.reads.ids}
    if unknown:
        count = sum(s in unknown for source in sources for s in source)
        few = ", ".join(repr(s) for s in sorted(unknown)[:5]) + (", …" if len(unknown) > 5 else "")
        print(f"note: read as unknown, since it was not trained on: {few} ({count:,} times)", file=sys.stderr)


# ---- a prompt ----------------------------------------------------------------------------------------------


def talk(model, beam=1, nbest=1):
    """Read sources line by line and answer each, with a map of where it looked."""
    print("\nType a source and Enter; Ctrl-D ends.")
    for line in prompts():
        try:
            source = LEVELS[model.level](decode(line.encode("utf-8", "surrogatepass")).strip())
        except BadLine as bad:
            print(f"error: {bad}", file=sys.stderr)
            continue
        if len(source) > LONGEST:
            print(f"error: longer than {LONGEST:,} {model.level}", file=sys.stderr)
        elif source:
            _tell_unknown(model, [source])
            print(_shown(model, source, answers(model, [source], beam, nbest)[0]))


def _shown(model, source, found):
    """The map of the best answer, and the answers."""
    lines = []
    tokens = model.writes.decode(found[0].tokens)
    if EOS in found[0].tokens:
        tokens.append(show.EOS_SIGN)
    if found[0].weights is not None:
        across, down = ([_short(s) for s in side] for side in ([*source, show.EOS_SIGN], tokens))
        lines.append(show.attention_map(found[0].weights, across, down))
    for answer in found:
        score = "answer:" if np.isnan(answer.score) else f"{answer.score:8.4f}"
        lines.append(f"{score} {text(model.writes.decode(answer.tokens), model.level)}")
    return "\n".join(lines)


def _short(word):
    """A symbol cut to the columns that it gets in a map."""
    while show.width(word) > WORD:
        word = word[:-2] + "…"
    return word
