"""The matrix products of a training step and of writing answers, and nothing else. Used by speed.

No step can be faster. Each is a list of pairs (a, b) for a @ b, with the shapes, the layout in memory and the
dtype of the package, whose functions are named behind. A test compares the lists with what is really
multiplied.
"""

from typing import NamedTuple

import numpy as np

from numpy_seq2seq.cells import CELLS


class Size(NamedTuple):
    """A model with Luong attention and the dot score, and the shape of its batch."""

    cell: str
    V: int  # both vocabularies
    D: int  # embedding size
    H: int  # hidden size
    B: int  # batch
    S: int  # source length
    T: int  # target length


def training_products(size):
    """The products of one step of training.train."""
    recurrences = recurrent_products(size, size.S) + recurrent_products(size, size.T)  # encoder, decoder
    return recurrences + attention_products(size) + output_products(size)


def recurrent_products(size, length):
    B, rows, GH = size.B, length * size.B, len(CELLS[size.cell].gates) * size.H
    x, h_prev, dgx, dgh = (numbers(rows, n) for n in (size.D, size.H, GH, GH))
    Wx, Wh = numbers(size.D, GH), numbers(size.H, GH)
    return [
        (x, Wx),  # input_part: gx
        *[(h_prev[:B], Wh)] * length,  # step_forward, at every step: gh
        *[(dgh[:B], Wh.T)] * length,  # step_backward, at every step: the part of dstate that comes through gh
        (x.T, dgx),  # weight_gradients: Wx
        (h_prev.T, dgh),  # weight_gradients: Wh
        (dgx, Wx.T),  # recurrent_backward: dx
    ]


def attention_products(size):
    queries, memory = (numbers(n, size.B, size.H).transpose(1, 0, 2) for n in (size.T, size.S))
    weights, dcontext = numbers(size.B, size.T, size.S), numbers(size.B, size.T, size.H)
    keys, dscores = memory, weights
    return [
        (queries, keys.transpose(0, 2, 1)),  # dot_score_forward: scores
        (weights, memory),  # attention_forward: context
        (dcontext, memory.transpose(0, 2, 1)),  # attention_backward: dweights
        (weights.transpose(0, 2, 1), dcontext),  # attention_backward: dmemory
        (dscores, keys),  # dot_score_backward: dqueries
        (dscores.transpose(0, 2, 1), queries),  # dot_score_backward: dkeys
    ]


def output_products(size):
    h, context, da, out = (numbers(size.B * size.T, size.H) for _ in range(4))
    Wh, Wc, W = (numbers(size.H, n) for n in (size.H, size.H, size.V))
    dlogits = numbers(size.B * size.T, size.V)
    return [
        *[(h, Wh), (context, Wc)],  # readout_forward: both terms of a
        *[(da, Wh.T), (h.T, da)],  # readout_backward: dh, grads Wh
        *[(da, Wc.T), (context.T, da)],  # readout_backward: dcontext, grads Wc
        *[(out, W), (dlogits, W.T), (out.T, dlogits)],  # affine_forward: y; affine_backward: dx, grads W
    ]


def writing_products(size):
    """The products of generate_greedy, T tokens for each of B sources."""
    B, S, H, GH = size.B, size.S, size.H, len(CELLS[size.cell].gates) * size.H
    x, h, out = (numbers(B, n) for n in (size.D, H, H))
    read, Wx, Wh, W = numbers(S * B, size.D), numbers(size.D, GH), numbers(H, GH), numbers(H, size.V)
    queries, memory = (numbers(n, B, H).transpose(1, 0, 2) for n in (1, S))
    weights, readout = numbers(B, 1, S), numbers(H, H)
    step = [
        *[(x, Wx), (h, Wh)],  # input_part, step_forward: gx, gh
        (queries, memory.transpose(0, 2, 1)),  # dot_score_forward: scores
        (weights, memory),  # attention_forward: context
        *[(h, readout), (h, readout)],  # readout_forward: both terms of a
        (out, W),  # affine_forward: logits
    ]
    return [(read, Wx), *[(h, Wh)] * S, *step * size.T]  # the encoder reads once, the decoder writes T times


def multiply(products):
    """Take them all."""
    for a, b in products:
        a @ b


def numbers(*shape):
    """An array of random numbers, in the dtype of training."""
    return np.random.default_rng(0).standard_normal(shape, "float32")
