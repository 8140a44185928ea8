"""Sequence-to-sequence with attention in pure NumPy, written by hand down to every gradient.

Which problem of seq2seq does attention solve? Follow the two arrows that leave the encoder:

                                 one fixed vector
                     ┌──────────────── state ─────────────────┐
                     │                                        ▼
    source ids → embedding → recurrent layers        recurrent layer ← embedding ← target ids
                     │                                        │          (one step behind)
                     └─ memory: one vector per token          │ query
                                 │                            ▼
                                 └──────────────→ attention: scores → weights → context
                                                              │
                             loss ← softmax ← output ← readout (state and context)

Without attention everything that the decoder will ever know of the source has to pass through `state`, and
the longer the source, the less of each token arrives. With attention every step looks back at `memory` and
takes a fresh context.

The rooms in reading order:

     1 activations   sigmoid, tanh, softmax           7 encoder, readout, decoders, step_decoders,
     2 layers        embedding, affine, dropout         config, seq2seq, shapes: the models
     3 cells         RNN, GRU, LSTM: one step         8 optim       SGD, Adam, clipping, schedules
     4 recurrent     unrolling in time, BPTT          9 training    the loop, evaluation
       stacks        directions, layers              10 generate, beam: the model's own words
     5 scores        a query beside a memory         11 data, tasks
       attention     weights, context                 A gradcheck, gradcheck_numeric, gradcheck_message
     6 losses        masked cross-entropy             B archive, checkpoint    C show    D pytorch
                                                      E homework: assignment, student_tree,
                                                        transplant, grading

Everything that a script needs is importable from here; the functions of the rooms are imported from there.
"""

from .beam import generate_beam
from .config import Config
from .data import Batch, Vocabulary, build_vocabulary, make_batch, make_source
from .generate import generate_greedy, generate_sample
from .optim import adam_init, adam_step, sgd_init, sgd_step, warmup_cosine
from .seq2seq import loss_and_gradients, parameter_count, seq2seq_init
from .tasks import draw_pairs
from .training import TrainingError, evaluate, train

__all__ = [
    "Batch",
    "Config",
    "TrainingError",
    "Vocabulary",
    "adam_init",
    "adam_step",
    "build_vocabulary",
    "draw_pairs",
    "evaluate",
    "generate_beam",
    "generate_greedy",
    "generate_sample",
    "loss_and_gradients",
    "make_batch",
    "make_source",
    "parameter_count",
    "seq2seq_init",
    "sgd_init",
    "sgd_step",
    "train",
    "warmup_cosine",
]
