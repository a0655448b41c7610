"""The two networks and the step rule in PyTorch, for the tests in torch.rs.

torch_reference.py FOLDER: reads settings.json, parameters.f32, inputs.f32, targets.f32, counted.f32 there; writes
outputs.f32, loss.f32, gradients.f32, and after.f32 and average.f32 (weights and their average after some steps).
All numbers are little-endian in the order of Kinophone's tensors.
"""
import json, sys
from pathlib import Path
import numpy as np
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
s = json.loads((folder / "settings.json").read_text())


def read(name):
    return torch.from_numpy(np.fromfile(folder / f"{name}.f32", dtype="<f4"))


def write(name, tensors):
    flat = torch.cat([t.detach().reshape(-1) for t in tensors])
    flat.numpy().astype("<f4").tofile(folder / f"{name}.f32")


def take(flat, shapes):
    out = []
    for shape in shapes:
        n = int(np.prod(shape))
        out.append(flat[:n].reshape(shape).clone().requires_grad_())
        flat = flat[n:]
    assert len(flat) == 0
    return out


def gru(p, x):
    w, b, wi, bi, wh, bhn, wo, bo = p
    a = torch.relu(F.linear(x, w.T, b))
    # [gate, in, out] to PyTorch's [gate * out, in], gates r, z, n.
    flat = lambda w: w.transpose(1, 2).reshape(-1, w.shape[1])
    hidden = wh.shape[1]
    bh = torch.cat([torch.zeros(2 * hidden), bhn])
    h0 = torch.zeros(1, x.shape[0], hidden)
    h, _ = torch._VF.gru(a, h0, [flat(wi), flat(wh), bi.reshape(-1), bh], True, 1, 0.0, False, False, True)
    return F.linear(h, wo.T, bo)


def tcn(p, x):
    y = torch.relu(F.conv1d(x.transpose(1, 2), p[0].T[:, :, None], p[1]))
    for i, d in enumerate(s["dilations"]):
        pad = (2 * d, 0) if s["causal"] else (d, d)
        # [tap, in, out] to PyTorch's [out, in, tap].
        y = y + torch.relu(F.conv1d(F.pad(y, pad), p[2 + 2 * i].permute(2, 1, 0), p[3 + 2 * i], dilation=d))
    return F.conv1d(y, p[-2].T[:, :, None], p[-1]).transpose(1, 2)


net = gru if s["kind"] == "gru" else tcn
p = take(read("parameters"), s["shapes"])
x = read("inputs").reshape(s["windows"], s["frames"], -1)
t = read("targets").reshape(s["windows"], s["frames"], -1)
counted = read("counted").reshape(s["windows"], s["frames"])
square, logistic = torch.tensor(s["square"]), torch.tensor(s["logistic"])


def loss_of(y):
    each = square * (y - t) ** 2 + logistic * F.binary_cross_entropy_with_logits(y, t, reduction="none")
    return (each.sum(-1) * counted).sum() / counted.sum()


y = net(p, x)
loss = loss_of(y)
gradients = torch.autograd.grad(loss, p)
write("outputs", [y])
write("loss", [loss])
write("gradients", gradients)

average = [w.detach().clone() for w in p]
groups = [
    {"params": [w for w, d in zip(p, s["decays"]) if d], "weight_decay": 0.05},
    {"params": [w for w, d in zip(p, s["decays"]) if not d], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=s["lr"], betas=(0.9, 0.99), eps=1e-8)
for _ in range(s["steps"]):
    optimizer.zero_grad()
    loss_of(net(p, x)).backward()
    torch.nn.utils.clip_grad_norm_(p, 1.0)
    optimizer.step()
    with torch.no_grad():
        for e, w in zip(average, p):
            e.lerp_(w, 0.02)
write("after", p)
write("average", average)
