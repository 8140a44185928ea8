"""Chapter: configuration. Every choice that a model is made of, checked once.

Before this: transformer.py. After it: seq2seq.py.

The tables of choices are CELLS (cells.py), SCORES (scores.py), and here ENCODERS and DECODERS. A new encoder
or decoder joins by one line in a table. Some choices are optional: each record names those that it uses, and
a choice that neither the encoder nor the decoder uses is refused.

    recurrent encoder           cell layers directions reverse_source
    transformer encoder         heads layers source_positions
    fixed, peeky                cell
    luong                       cell score attention_only       luong_feeding, bahdanau: the same
    transformer decoder         heads layers

Not here: choices of training (training.py, optim.py) or of generation (generate.py).
"""

from dataclasses import dataclass, fields

from .cells import CELLS
from .checks import check_choice, check_size, shown
from .data import SPECIALS
from .decoders import FIXED, LUONG, PEEKY
from .encoders import RECURRENT_ENCODER
from .scores import SCORES
from .step_decoders import BAHDANAU, LUONG_FEEDING
from .transformer import TRANSFORMER_DECODER, TRANSFORMER_ENCODER

ENCODERS = {encoder.name: encoder for encoder in (RECURRENT_ENCODER, TRANSFORMER_ENCODER)}
DECODERS = {
    decoder.name: decoder
    for decoder in (FIXED, PEEKY, LUONG, LUONG_FEEDING, BAHDANAU, TRANSFORMER_DECODER)
}
RECORDS = (*ENCODERS.values(), *DECODERS.values())
OPTIONAL = frozenset().union(*(record.reads for record in RECORDS))  # choices that only some models use
DEFAULTS = {"cell": "lstm", "score": "dot", "heads": 4}  # for None, in a model that uses the choice
BOOLEAN = (True, False)
CHOICES = {
    "cell": CELLS, "score": SCORES, "directions": (1, 2), "dtype": ("float32", "float64"),
    "reverse_source": BOOLEAN, "attention_only": BOOLEAN, "source_positions": BOOLEAN,
}


@dataclass(frozen=True)
class Config:
    """The choices of one model. Equal configurations and seeds make equal models.

    What is left out gets its default where the model uses it. What the model does not use has to keep its
    default:

        >>> Config(9, 9, encoder="transformer").cell    # 9 ids on each side; the decoder, luong, is recurrent
        'lstm'
        >>> Config(9, 9, heads=2)
        Traceback (most recent call last):
        ValueError: heads=2 would be ignored by encoder 'recurrent' and decoder 'luong'; leave it out

    Args:
        source_vocabulary, target_vocabulary: number of token ids, the four special ones included.
        embedding_size: D; None means 32, or H with a Transformer, which adds what a layer returns to what it
                        was given: both must have one size.
        hidden_size:    H, of the decoder, and of the encoder's memory with all its directions.
        cell:           a name of cells.CELLS; None means lstm where something is recurrent.
        decoder:        a name of DECODERS.
        score:          a name of scores.SCORES; None means dot where a recurrent decoder attends.
        directions:     of the recurrent encoder: 1, or 2 with H/2 units each.
        layers:         of the encoder, and of a Transformer decoder. A recurrent decoder has one and starts
                        from the state of the encoder's top layer.
        reverse_source: the recurrent encoder reads from the last token to the first (one direction only).
        attention_only: a recurrent decoder starts from zeros, so that everything must pass through attention.
        encoder:        a name of ENCODERS.
        heads:          of a Transformer; None means 4 there.
        source_positions: a Transformer encoder is told where each token stands.
        dropout:        rate in [0, 1). Always before the output layer; recurrent: between the encoder's
                        layers; Transformer: on the embeddings and after each sublayer.
        dtype:          of all parameters: float32 to train, float64 to check gradients.
    Raises:
        ValueError: names the choice, what was expected, and what came.
    """

    source_vocabulary: int
    target_vocabulary: int
    embedding_size: int | None = None
    hidden_size: int = 64
    cell: str | None = None
    decoder: str = "luong"
    score: str | None = None
    directions: int = 1
    layers: int = 1
    reverse_source: bool = False
    attention_only: bool = False
    encoder: str = "recurrent"
    heads: int | None = None
    source_positions: bool = True
    dropout: float = 0.0
    dtype: str = "float32"

    def __post_init__(self):
        check_choice("encoder", self.encoder, ENCODERS)
        check_choice("decoder", self.decoder, DECODERS)
        self._refuse_what_is_not_used()
        vars(self).update(self._defaults())  # a frozen dataclass forbids `self.cell = …`, but not this
        for name, known in CHOICES.items():
            if name not in self.unused():  # a cell or a score that is not used stays None
                check_choice(name, getattr(self, name), known)
        for name in ("source_vocabulary", "target_vocabulary", "embedding_size", "hidden_size", "layers"):
            check_size(name, getattr(self, name))
            vars(self)[name] = int(getattr(self, name))  # a small NumPy integer would overflow
        for name in ("source_vocabulary", "target_vocabulary"):
            if getattr(self, name) < len(SPECIALS):
                got = getattr(self, name)
                raise ValueError(f"{name} must be at least {len(SPECIALS)}, the special tokens; got {got}")
        if type(self.dropout) not in (int, float) or not 0 <= self.dropout < 1:  # True is no rate
            raise ValueError(f"dropout must be a rate in [0, 1), an int or float, got {shown(self.dropout)}")
        if self.hidden_size % self.directions:
            raise ValueError(f"hidden_size must be even with two directions, got {self.hidden_size}")
        if self.reverse_source and self.directions == 2:
            raise ValueError("reverse_source changes nothing with two directions; use it with directions=1")
        if self._has_transformer():
            self._check_transformer()

    def reads(self):
        """The optional choices that this encoder and this decoder use."""
        return ENCODERS[self.encoder].reads | DECODERS[self.decoder].reads

    def unused(self):
        """The optional choices that they do not use."""
        return OPTIONAL - self.reads()

    def _has_transformer(self):
        return "heads" in self.reads()  # nothing else has heads

    def _refuse_what_is_not_used(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in self.unused() and value != field.default:
                by = f"encoder {self.encoder!r} and decoder {self.decoder!r}"
                raise ValueError(f"{field.name}={shown(value)} would be ignored by {by}; leave it out")

    def _defaults(self):
        """{name: value} for what was left out and is used."""
        used = self.reads() & DEFAULTS.keys()
        found = {name: DEFAULTS[name] for name in used if getattr(self, name) is None}
        if self.embedding_size is None:
            found["embedding_size"] = self.hidden_size if self._has_transformer() else 32
        return found

    def _check_transformer(self):
        H = self.hidden_size
        check_size("heads", self.heads)
        if H % self.heads:
            raise ValueError(f"heads must divide hidden_size {H}, got {self.heads}")
        if H % 2:
            raise ValueError(f"hidden_size must be even in a Transformer, for sine and cosine; got {H}")
        if self.embedding_size != H:
            got = self.embedding_size
            raise ValueError(f"embedding_size must equal hidden_size {H} in a Transformer; got {got}")


# Exercises
# 1. Add a choice `bias: bool` for the output layer. In how many places must the code ask for it?
