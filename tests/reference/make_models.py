"""Makes the frozen known answers stacked, models and optimisers (.npz), beside it, with PyTorch.

    python tests/reference/make_models.py

Run once, with PyTorch 2.13.0 (CPU) and NumPy 2.4.6, in float64; no test runs it. Parameters and gradients are
stored as PyTorch has them, under the names of its state dicts, and tests/test_pytorch.py moves them over with
from_torch. Nothing here knows how numpy_seq2seq computes: the models are written with PyTorch's modules,
loops and autograd.

    stacked     nn.RNN, nn.GRU, nn.LSTM: two layers, one or two directions, ragged lengths, zero start
    models      bahdanau: GRU encoder in two directions, s_0 = tanh(W h←), additive score
                luong, luong_feeding: LSTM, general score, the second one with input feeding
    optimisers  ten steps of Adam and of AdamW, every gradient clipped to the global norm 1: with the formula
                g · min(1, 1 / ‖g‖), and with PyTorch's clip_grad_norm_, which has ‖g‖ + 1e-6 below the line
"""

import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = pathlib.Path(__file__).parent
B, S, T, D, H, V, U = 4, 5, 6, 3, 4, 7, 8  # U words of the source, V of the target
SOURCE_LENGTHS, TARGET_LENGTHS = [5, 2, 1, 4], [3, 6, 1, 5]
KINDS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def flat(tree, path=""):
    """Nested dicts to {"a.b.c": array}."""
    if not isinstance(tree, dict):
        return {path[:-1]: tree.detach().numpy() if isinstance(tree, torch.Tensor) else np.asarray(tree)}
    return {k: a for name, branch in tree.items() for k, a in flat(branch, f"{path}{name}.").items()}


def save(name, tree):
    np.savez_compressed(HERE / f"{name}.npz", **flat(tree))


def padding_mask(lengths, longest):
    return torch.arange(longest) < torch.tensor(lengths)[:, None]


def leaf(*shape):
    return nn.Parameter(0.7 * torch.randn(*shape))


def run(layers, x, lengths):
    """Outputs, zero on padding, and last states, a tuple of (layers · directions, B, H)."""
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    h, state = layers(packed)
    h, _ = pad_packed_sequence(h, batch_first=True, total_length=x.shape[1])
    return h, state if isinstance(state, tuple) else (state,)


def grads(module):
    return {name: p.grad for name, p in module.named_parameters()}


# ---- stacked recurrent layers ------------------------------------------------------------------------------


def stacked(cell, directions):
    layers = KINDS[cell](D, H, num_layers=2, bidirectional=directions == 2, batch_first=True)
    x = leaf(B, S, D)
    h, state = run(layers, x, SOURCE_LENGTHS)
    state = [torch.cat(list(s[-directions:]), dim=1) for s in state]  # the top layer's
    mask = padding_mask(SOURCE_LENGTHS, S)
    dh, dstate = torch.randn(h.shape) * mask[..., None], [torch.randn(s.shape) for s in state]
    ((h * dh).sum() + sum((s * ds).sum() for s, ds in zip(state, dstate))).backward()
    return {
        "state_dict": layers.state_dict(),
        "grads": grads(layers),
        **{"x": x, "mask": mask, "h": h, "dh": dh, "dx": x.grad},
        "state": dict(enumerate(state)),
        "dstate": dict(enumerate(dstate)),
    }


# ---- whole models ------------------------------------------------------------------------------------------


class Bahdanau(nn.Module):
    """Bahdanau et al. (2015) with the tanh readout of Luong et al. in place of maxout."""

    def __init__(self):
        super().__init__()
        self.source_embedding, self.target_embedding = nn.Embedding(U, D), nn.Embedding(V, D)
        self.encoder = nn.GRU(D, H // 2, bidirectional=True, batch_first=True)
        self.decoder = nn.GRU(D + H, H, batch_first=True)  # one step per call
        self.bridge = nn.Linear(H // 2, H, bias=False)
        self.W_a, self.U_a, self.v_a = leaf(H, H), leaf(H, H), leaf(H)
        self.readout, self.output = nn.Linear(2 * H, H, bias=False), nn.Linear(H, V)

    def attend(self, s, memory, mask):
        """Equations 5 and 6: e_j = v_a · tanh(W_a s + U_a h_j), one memory after the other."""
        e = [torch.tanh(s @ self.W_a.T + h @ self.U_a.T) @ self.v_a for h in memory.unbind(dim=1)]
        weights = torch.softmax(torch.stack(e, dim=1).masked_fill(~mask, -torch.inf), dim=1)
        return (weights[:, :, None] * memory).sum(dim=1), weights

    def forward(self, source, inputs):
        memory, (last,) = run(self.encoder, self.source_embedding(source), SOURCE_LENGTHS)
        s, mask = torch.tanh(self.bridge(last[1])), padding_mask(SOURCE_LENGTHS, S)
        logits, weights = [], []
        for y in self.target_embedding(inputs).unbind(dim=1):
            c, alpha = self.attend(s, memory, mask)
            s = self.decoder(torch.cat([y, c], dim=1)[:, None], s[None])[1][0]
            logits.append(self.output(torch.tanh(self.readout(torch.cat([c, s], dim=1)))))
            weights.append(alpha)
        return torch.stack(logits, dim=1), torch.stack(weights, dim=1)


class Luong(nn.Module):
    """Luong et al. (2015), global attention, score `general`, with or without input feeding."""

    def __init__(self, feeding):
        super().__init__()
        self.feeding = feeding
        self.source_embedding, self.target_embedding = nn.Embedding(U, D), nn.Embedding(V, D)
        self.encoder = nn.LSTM(D, H, batch_first=True)
        self.decoder = nn.LSTM(D + H * feeding, H, batch_first=True)
        self.W_a = leaf(H, H)
        self.readout, self.output = nn.Linear(2 * H, H, bias=False), nn.Linear(H, V)

    def forward(self, source, inputs):
        memory, state = run(self.encoder, self.source_embedding(source), SOURCE_LENGTHS)
        mask, told = padding_mask(SOURCE_LENGTHS, S), torch.zeros(B, H)
        logits, weights = [], []
        for y in self.target_embedding(inputs).unbind(dim=1):
            x = torch.cat([y, told], dim=1) if self.feeding else y
            h, state = self.decoder(x[:, None], state)
            e = torch.einsum("bh,hk,bsk->bs", h[:, 0], self.W_a, memory)  # section 3.1, general: h_t W_a h_s
            alpha = torch.softmax(e.masked_fill(~mask, -torch.inf), dim=1)
            c = torch.einsum("bs,bsk->bk", alpha, memory)
            told = torch.tanh(self.readout(torch.cat([c, h[:, 0]], dim=1)))  # equation 5: W_c [c; h]
            logits.append(self.output(told))
            weights.append(alpha)
        return torch.stack(logits, dim=1), torch.stack(weights, dim=1)


def random_batch():
    """source, its mask, inputs, targets, their mask; padding is 0, BOS 1, EOS 2."""
    source_mask, target_mask = padding_mask(SOURCE_LENGTHS, S), padding_mask(TARGET_LENGTHS, T)
    source = torch.randint(3, U, (B, S)) * source_mask
    targets = torch.randint(3, V, (B, T)) * target_mask
    for row, length in zip(targets, TARGET_LENGTHS):
        row[length - 1] = 2
    inputs = torch.cat([torch.ones(B, 1, dtype=torch.long), targets[:, :-1]], dim=1) * target_mask
    return [source, source_mask, inputs, targets, target_mask]


def loss_of(logits, targets):
    """The mean over the target tokens that are not padding."""
    return nn.functional.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), ignore_index=0)


def whole(model):
    source, _, inputs, targets, _ = batch = random_batch()
    logits, weights = model(source, inputs)
    loss = loss_of(logits, targets)
    loss.backward()
    return {
        "state_dict": model.state_dict(),
        "grads": grads(model),
        "batch": dict(enumerate(batch)),
        **{"logits": logits, "weights": weights, "loss": loss},
    }


# ---- optimisers --------------------------------------------------------------------------------------------

SHAPES, STEPS, RATE, MAX_NORM = {"a.W": (3, 2), "a.b": (2,), "c.v": (4,)}, 10, 0.05, 1.0


def clip(values, by_torch):
    """Clips the gradients of `values`; returns their norm before."""
    if by_torch:
        return nn.utils.clip_grad_norm_(values, MAX_NORM)
    norm = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in values]))
    for p in values:
        p.grad *= min(1.0, MAX_NORM / norm.item())
    return norm


def descent(optimiser, decay, start, gradients, by_torch):
    """Parameters after each of the ten steps, and the norm of each gradient before clipping."""
    params = {name: nn.Parameter(a.clone()) for name, a in start.items()}
    steps = optimiser(params.values(), lr=RATE, weight_decay=decay)
    path, norms = [], []
    for t in range(STEPS):
        for name, p in params.items():
            p.grad = gradients[name][t].clone()
        norms.append(clip(list(params.values()), by_torch).item())
        steps.step()
        path.append({name: p.detach().clone() for name, p in params.items()})
    return {"norms": norms, **{name: torch.stack([at[name] for at in path]) for name in params}}


def optimisers():
    start = {name: torch.randn(shape) for name, shape in SHAPES.items()}
    # every third gradient is too short to be clipped
    size = torch.tensor([0.1 if t % 3 == 2 else 1.0 for t in range(STEPS)])
    gradients = {name: torch.randn(STEPS, *s) * size.reshape(-1, *[1] * len(s)) for name, s in SHAPES.items()}
    answers = {"start": start, "gradients": gradients}
    for name, optimiser, decay in (("adam", torch.optim.Adam, 0.0), ("adamw", torch.optim.AdamW, 0.1)):
        answers[name] = {
            key: descent(optimiser, decay, start, gradients, by_torch)
            for key, by_torch in (("exact", False), ("torch", True))
        }
    return answers


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    save("stacked", {cell: {"one": stacked(cell, 1), "two": stacked(cell, 2)} for cell in KINDS})
    models = {"bahdanau": Bahdanau(), "luong": Luong(False), "luong_feeding": Luong(True)}
    save("models", {name: whole(model) for name, model in models.items()})
    save("optimisers", optimisers())


if __name__ == "__main__":
    main()
