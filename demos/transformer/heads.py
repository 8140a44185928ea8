"""What every head of every layer looks at, while a trained Transformer writes one string.

Not here: what a head is (numpy_seq2seq/multihead.py); the other figures (__main__.py).
"""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from numpy_seq2seq import generate_greedy, make_source, show
from numpy_seq2seq.data import BOS, EOS
from numpy_seq2seq.seq2seq import decode_forward, encode_forward
from numpy_seq2seq.transformer import head_maps

from ..shared import fill

BEGIN, GAP = "^", 2  # what the decoder is told first; columns between two maps
PAGE = Path(__file__).with_name("page.html")


class Maps(NamedTuple):
    """The heads of one attention of one layer, side by side."""

    title: str
    asking: list  # tokens, down
    asked: list  # tokens, across
    weights: np.ndarray  # (heads, asking, asked)


def maps_of(run, string):
    """A Maps for each attention of each layer: the encoder's, and the decoder's while it writes by itself."""
    model, letters = (run.params, run.config), run.vocabularies[0]
    source, mask = make_source([string], letters)
    said = generate_greedy(source, mask, *model).tokens
    told = np.concatenate([np.full((1, 1), BOS), said[:, :-1]], axis=1)
    start, seen, (_, encoder_cache, *_) = encode_forward(source, mask, *model)
    *_, (_, decoder_cache, *_) = decode_forward(told, start, seen, *model)
    names = {**dict(enumerate(letters.symbols)), BOS: BEGIN, EOS: show.EOS_SIGN}
    reads, hears, writes = ([names[k] for k in ids[0].tolist()] for ids in (source, told, said))
    found = []
    for k, (own,) in enumerate(head_maps(encoder_cache), 1):
        found.append(Maps(f"Encoder, layer {k}: the source asks itself", reads, reads, own[0]))
    for k, (own, crossed) in enumerate(head_maps(decoder_cache), 1):
        asks = f"Decoder, layer {k}: what comes next asks"
        found.append(Maps(f"{asks} what is written", writes, hears, own[0]))
        found.append(Maps(f"{asks} the source", writes, reads, crossed[0]))
    return found


def drawn(maps):
    """All maps as text, the heads of one attention side by side."""
    columns = shutil.get_terminal_size((100, 0)).columns
    return "\n\n".join(f"{m.title}\n{_side_by_side(m, columns)}" for m in maps)


def _side_by_side(maps, columns):
    """The heads' maps, as many in a row as the screen is wide."""
    blocks = [show.attention_map(w, maps.asked, maps.asking, columns).split("\n") for w in maps.weights]
    wide = GAP + max(show.width(line) for block in blocks for line in block)
    many = max((columns + GAP) // wide, 1)
    rows = [blocks[k : k + many] for k in range(0, len(blocks), many)]
    lines = ["".join(show.fit(line, wide) for line in level).rstrip() for row in rows for level in zip(*row)]
    return "\n".join(lines)


def page(tables, strings):
    """A page with the tables, and for each string its maps under two sliders.

    Args:
        tables:  texts.
        strings: for each string its list of Maps.
    """
    return fill(PAGE, [[m._asdict() for m in maps] for maps in strings], tables="\n\n".join(tables))
