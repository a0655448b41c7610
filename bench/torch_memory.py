"""Milliseconds per training step of the two standard networks in PyTorch: torch_memory.py gru|tcn [repeats] [steps]."""
import copy, os, sys, time
import torch
from torch import nn

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
torch.manual_seed(1)
WINDOWS, FRAMES, INPUTS, OUTPUTS = 16, 128, 227, 69


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.35)
        self.projection = nn.Linear(INPUTS, 128)
        self.gru = nn.GRU(128, 128, batch_first=True)
        self.output = nn.Linear(128, OUTPUTS)

    def forward(self, x):
        h, _ = self.gru(torch.relu(self.projection(self.drop(x))))
        return self.output(self.drop(h))


class Tcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.35)
        self.stem = nn.Conv1d(INPUTS, 96, 1)
        self.blocks = nn.ModuleList(nn.Conv1d(96, 96, 3, padding=d, dilation=d) for d in (1, 2, 4, 8))
        self.inner = nn.Dropout(0.175)
        self.output = nn.Conv1d(96, OUTPUTS, 1)

    def forward(self, x):
        y = torch.relu(self.stem(self.drop(x.transpose(1, 2))))
        for block in self.blocks:
            y = y + torch.relu(block(self.inner(y)))
        return self.output(y).transpose(1, 2)


def main():
    kind = sys.argv[1]
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    net = {"gru": Gru, "tcn": Tcn}[kind]()
    average = copy.deepcopy(net)
    weights, biases = [p for p in net.parameters() if p.ndim > 1], [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.05}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), foreach=True)
    x = torch.rand(WINDOWS, FRAMES, INPUTS) * 2 - 1
    t = torch.rand(WINDOWS, FRAMES, OUTPUTS) * 2 - 1
    t[..., 60:] = (t[..., 60:] > 0).float()
    mask = torch.ones(WINDOWS, FRAMES)
    mask[:, :16] = 0

    def step():
        y = net(x)
        square = ((y[..., :60] - t[..., :60]) ** 2).sum(-1)
        logistic = nn.functional.binary_cross_entropy_with_logits(y[..., 60:], t[..., 60:], reduction="none").sum(-1)
        loss = ((square + logistic) * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 0.02)

    for _ in range(3):
        step()
    for _ in range(repeats):
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            step()
            times.append((time.perf_counter() - start) * 1e3)
        times.sort()
        print(f"{times[steps // 2]:.2f} {times[0]:.2f}", flush=True)


main()
