"""What a trained model of train_pairs answers: to held-out pairs, to a file of sources, at a prompt."""

import contextlib
import itertools
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import Config, Vocabulary, generate_beam, generate_greedy, load_checkpoint, make_source
from numpy_seq2seq import show
from numpy_seq2seq.data import EOS, UNK

from .. import shared
from ..shared.metrics import ORDERS, bleu, error_rate
from .reading import LEVELS, BadLine, checked, is_cut, numbered_lines, open_text

LONGEST = 1000  # symbols of a source that is answered
BLOCK = 4096  # lines that are grouped by length
ROWS, WEIGHTS = 64, 25_000_000  # of a batch, at most: its rows, the numbers in its attention
WORD, LARGEST_MAP = 7, 4_000  # columns that a word gets in a map; weights that it has at most


class Model(NamedTuple):
    """All that is needed to answer."""

    params: dict
    config: Config
    reads: Vocabulary
    writes: Vocabulary
    levels: tuple  # of the source and of the target
    longest: int  # symbols of the longest target in the file


class Answer(NamedTuple):
    """One answer to one source."""

    symbols: list  # � for an unknown one
    ended: bool  # with EOS
    score: float  # log probability over length penalty (beam search), or NaN (greedy)
    weights: np.ndarray | None  # (symbols and EOS, source with EOS)


def open_model(path):
    """A Model from a checkpoint that train_pairs saved: its best parameters. Raises ValueError."""
    held = load_checkpoint(path)
    settings = held.notes.get("settings")
    if not isinstance(settings, dict) or settings.get("task") != "pairs" or held.vocabularies is None:
        raise ValueError(f"{path} was not saved by train_pairs; give a model that it saved")
    levels, longest = (settings.get("source_level"), settings.get("target_level")), settings.get("longest")
    known = all(level in tuple(LEVELS) for level in levels)
    if not known or type(longest) is not int or longest < 1:
        raise ValueError(
            f"{path} has damaged notes: levels {levels}, longest answer {longest!r}; train again"
        )
    return Model(held.params, held.config, *held.vocabularies, levels, longest)


def answers(model, sources, beam=1, nbest=1):
    """The best answers to each source: greedy, or of a beam.

    Sources of one length are answered together. So no padding is needed, and an answer does not depend on the
    sources beside it. The answer to an empty source is empty.

    Returns:
        list of lists of Answer, best first; fewer than nbest only where there are no more.
    """
    found = [[Answer([], True, 0.0, None)] for _ in sources]
    order = sorted((n for n, source in enumerate(sources) if source), key=lambda n: len(sources[n]))
    for length, places in itertools.groupby(order, key=lambda n: len(sources[n])):
        places, limit = list(places), max(2 * length + 12, model.longest + 1)
        rows = int(np.clip(WEIGHTS // (beam * limit * (length + 1)), 1, ROWS))
        for group in (places[k : k + rows] for k in range(0, len(places), rows)):
            for n, answer in zip(group, _answer(model, [sources[n] for n in group], beam, limit)):
                found[n] = answer[:nbest]
    return found


def _answer(model, sources, beam, limit):
    source, mask = make_source(sources, model.reads, unk=True)
    if beam > 1:
        beams = generate_beam(source, mask, model.params, model.config, beam, max_length=limit)
        return [[_as_answer(model, h.tokens, h.weights, h.score) for h in hypotheses] for hypotheses in beams]
    tokens, weights = generate_greedy(source, mask, model.params, model.config, limit)
    return [[_as_answer(model, row, None if weights is None else weights[n])] for n, row in enumerate(tokens)]


def _as_answer(model, tokens, weights, score=np.nan):
    symbols = model.writes.decode(tokens)
    symbols = ["�" if token == UNK else symbol for token, symbol in zip(tokens, symbols)]
    return Answer(symbols, EOS in tokens, score, weights)


def text(symbols, level):
    """Symbols written as one text."""
    return ("" if level == "characters" else " ").join(symbols)


def quality(said, wanted, level):
    """What answers reach, as a dict; BLEU is of words, and None where no target has as many as its n-grams.

    Args:
        said, wanted: lists of symbols for each source.
    """
    texts = [[text(symbols, level) for symbols in side] for side in (said, wanted)]
    words = [[line.split() for line in side] for side in texts]
    return {
        "exact_match": float(np.mean([got == want for got, want in zip(said, wanted)])),
        "character_error_rate": error_rate(*texts),
        "word_error_rate": error_rate(*words),
        "bleu": bleu(*words) if max(map(len, words[1])) >= max(ORDERS) else None,
    }


# ---- a file of sources -------------------------------------------------------------------------------------


def read_sources(path, level):
    """The sources of a file, one on each line, as symbols; a blank line gives an empty one.

    Raises:
        ValueError: a line that is not UTF-8, has a NUL byte or a tab, or is longer than LONGEST.
    """
    sources = []
    with open_text(path) as file:
        try:
            for number, line in numbered_lines(file):
                sources.append(read_source(line, level))
        except BadLine as bad:
            raise ValueError(f"{path}, line {number}: {bad}") from None
    return sources


def read_source(line, level):
    """The symbols of one source. Raises BadLine."""
    line = checked(line)
    if "\t" in line.rstrip("\n"):
        raise BadLine("a tab; a line holds one source and nothing else")
    source = LEVELS[level](line.strip())
    if is_cut(line) or len(source) > LONGEST:
        raise BadLine(f"longer than {LONGEST:,} {level}")
    return source


def translate(model, path, output=None, beam=1, nbest=1):
    """Answer every line of a file, one line for each; or, with nbest above 1, one for each answer:
    `line<TAB>score<TAB>answer`. The output is UTF-8; only what goes to a terminal has no steering characters.
    """
    sources, terminal = read_sources(path, model.levels[0]), output is None and sys.stdout.isatty()
    if output is None and not terminal:
        sys.stdout.reconfigure(encoding="utf-8")
    to_file = output and open(output, "x", encoding="utf-8", newline="\n")
    with to_file or contextlib.nullcontext(sys.stdout) as out:
        for start in range(0, len(sources), BLOCK):
            found = answers(model, sources[start : start + BLOCK], beam, nbest)
            for number, answer in ((n, answer) for n, of in enumerate(found, start + 1) for answer in of):
                line = text(answer.symbols, model.levels[1])
                line = show.printable(line) if terminal else line
                out.write(f"{line}\n" if nbest == 1 else f"{number}\t{answer.score:.4f}\t{line}\n")
            out.flush()
    _tell_unknown(model, sources)


def _tell_unknown(model, sources):
    unknown = Counter(s for source in sources for s in source if s not in model.reads.ids)
    if unknown:
        few = ", ".join(map(repr, sorted(unknown)[:5])) + ", …" * (len(unknown) > 5)
        note = "note: read as unknown, since it was not trained on"
        shared.say(f"{note}: {few} ({unknown.total():,} times)", stream=sys.stderr)


# ---- a prompt ----------------------------------------------------------------------------------------------


def answer_line(model, line, beam=1, nbest=1):
    """What is said to a line at the prompt: the map of the best answer, and the answers. Raises BadLine."""
    source = read_source(line, model.levels[0])
    if not source:
        return None
    _tell_unknown(model, [source])
    return _shown(model, source, answers(model, [source], beam, nbest)[0])


def _shown(model, source, found):
    """The map of the best answer, and the answers."""
    lines, best = [], found[0]
    sides = [*source, show.EOS_SIGN], [*best.symbols, *[show.EOS_SIGN] * best.ended]
    across, down = ([_short(s) for s in side] for side in sides)
    if best.weights is not None and len(across) * len(down) > LARGEST_MAP:
        lines.append(f"no map: {len(across)} columns and {len(down)} rows are too many for a screen")
    elif best.weights is not None:
        lines.append(show.attention_map(best.weights, across, down))
    for answer in found:
        score = "answer:" if np.isnan(answer.score) else f"{answer.score:8.4f}"
        lines.append(f"{score} {text(answer.symbols, model.levels[1])}")
    return "\n".join(lines)


def _short(word):
    """A symbol cut to the columns that it gets in a map."""
    while show.width(word) > WORD:
        word = word[:-2] + "…"
    return word
