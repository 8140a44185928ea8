"""Sequence-to-sequence with attention in pure NumPy, written by hand down to every gradient.

Seq2seq turns one sequence into another: an encoder reads the source, and a decoder writes the target, one
token (a letter or a word) at a time. Which problem of seq2seq does attention solve? Follow
the two arrows that leave the encoder:

                    ENCODER           one fixed vector      DECODER
                                    ┌────── state ─────────────┐
                                    │                          ▼
    source ids → embedding → recurrent layers         recurrent layer ← embedding ← target ids
                                    │                          │
                                    └─ memory: one             │ query
                                       vector per token        ▼
                                              └────→ attention: scores → weights → context
                                                               │
                              loss ← softmax ← output ← readout (state and context)

Without attention the decoder knows the source only through `state`, one fixed vector. It could hold a
long source. But a small model, trained for a short time, does not *learn* to store it there: the gradient
that would teach it has to come back through every step. The longer the source, the more is lost. With
attention every output looks back at `memory`: the query says what the decoder looks for, each weight how much
it takes of one memory vector, and the context is their weighted sum. The path is short, and what was read
early is found as easily as what was read late. A Transformer goes further: it has attention in place of the
recurrent layers, too.

CHAPTERS, below, is the reading order; a chapter imports only from chapters before it, and from appendices.
Each closes with exercises; homework/hints.md has a hint for each. The last exercise of a chapter is a
command, `python -m numpy_seq2seq.homework make DIR`: it writes a copy of the book to DIR without the bodies
of some functions, which you write again, with a test for each. `notation` has the symbols of the papers side
by side, and the list of sources.

What a script needs is importable from here. Other functions are imported from their chapters, as in
`from numpy_seq2seq.layers import affine_forward`.
"""

from .beam import generate_beam
from .checkpoint import load_checkpoint, save_checkpoint
from .config import DECODERS, ENCODERS, Config
from .data import Batch, Vocabulary, build_vocabulary, make_batch, make_source
from .generate import generate_greedy, generate_sample
from .optim import adam_init, adam_step, sgd_init, sgd_step, warmup_cosine
from .seq2seq import loss_and_gradients, parameter_count, seq2seq_init
from .show import attention_map
from .tasks import TASKS, draw_pairs
from .training import TrainingError, evaluate, train

CHAPTERS = {  # the reading order: module, what it holds
    "data": "symbols to ids, padding, masks; what the decoder is told and what it should say",
    "tasks": "copy, reverse, sort, first, last; held-out strings",
    "activations": "sigmoid, tanh, relu, softmax",
    "layers": "embedding, affine map, dropout, layer normalisation",
    "cells": "RNN, GRU, LSTM: the element-wise part of one step; why gates",
    "recurrent": "unrolling in time, BPTT, the padding mask in the state",
    "stacks": "two directions, layers above one another",
    "scores": "alignment models: dot, scaled dot, general, additive",
    "attention": "masked softmax, attention weights, the context vector",
    "losses": "masked cross-entropy, label smoothing, accuracies",
    "encoders": "embedded tokens to memory (annotations) and state (the fixed vector)",
    "readout": "what decoders share: start, source, output state",
    "decoders": "fixed, peeky, Luong",
    "step_decoders": "Bahdanau; Luong with input feeding",
    "multihead": "multi-head attention: self and cross",
    "transformer": "positions, residual connections, encoder, decoder",
    "config": "every choice of a model, checked once; the tables of encoders and decoders",
    "seq2seq": "the model put together; teacher forcing",
    "optim": "SGD, Adam, AdamW, clipping, warm-up and other schedules",
    "generate": "greedy, sampling",
    "training": "the loop, scheduled sampling (exposure bias), evaluation",
    "beam": "beam search, length penalty",
}
APPENDICES = {  # tools that no chapter teaches
    "notation": "the symbols of three papers side by side; the list of sources",
    "gradcheck": "is this backward the derivative of that forward?",
    "gradcheck_numeric": "gradients by differences and along the imaginary axis",
    "gradcheck_message": "what is wrong with it",
    "invariances": "what must change nothing in a whole model, and what must change something",
    "symmetries": "what has no order: pairs, heads, tokens without positions",
    "shapes": "which arrays an initialiser makes, without making them",
    "archive": "named arrays as the bytes of one file, read without trust",
    "checkpoint": "a training in one file",
    "show": "maps, bars, tables as text",
    "pytorch": "deviations from the papers and from PyTorch; weights there and back",
    "checks": "what a person may get wrong, said in words",
    "trees": "arrays in nested tuples",
    "allocator": "one hint to the memory allocator",
}

__all__ = [
    "APPENDICES",
    "Batch",
    "CHAPTERS",
    "Config",
    "DECODERS",
    "ENCODERS",
    "TASKS",
    "TrainingError",
    "Vocabulary",
    "adam_init",
    "adam_step",
    "attention_map",
    "build_vocabulary",
    "draw_pairs",
    "evaluate",
    "generate_beam",
    "generate_greedy",
    "generate_sample",
    "load_checkpoint",
    "loss_and_gradients",
    "make_batch",
    "make_source",
    "parameter_count",
    "save_checkpoint",
    "seq2seq_init",
    "sgd_init",
    "sgd_step",
    "train",
    "warmup_cosine",
]
