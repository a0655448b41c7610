#!/usr/bin/env python3
"""Trials of what the program does not have: other networks, losses and targets, and memories of pictures, over folds and seeds.

usage: kinophone prepare FILM... -o CORPUS --size 128 --colour
       python3 bench/lab.py CORPUS [VARIANT ...] [--film NAME] [--folds 0,1,2,3,4] [--seeds 1,2,3] [--limit SECONDS] [--cache DIR]
       python3 bench/lab.py CORPUS --etude LESSON TEST [VARIANT ...]

Rebuilds, small and in PyTorch, what the ensemble preset does (eye, voice, one convolutional network; crates/kinophone/src/brain),
so that ideas can be tried in an afternoon before anybody writes them in Rust. Fold f holds out the blocks of ten
seconds with number % 5 = f and half a second around them. Judged are predictions, not sound: onset_r and loudness_r as in the
program's verdict, the mean absolute error of the log-mel spectrum at equal mean level, and the correlation of chroma.
Prints a Markdown table: means over folds and seeds, and differences to the default with the standard error of the
mean of the differences paired by fold and seed. Features and predictions are kept in the cache folder.
"""
import argparse, functools, json, os, struct, sys, tempfile, zlib
from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np, torch
import torch.nn.functional as F

RATE, HOP, TICK, WINDOW, BANDS = 22050, 735, 30, 2048, 64
LOUDNESS, ROOT, PEAK, FLUX, GATE, OUTPUTS = BANDS, BANDS + 1, BANDS + 2, BANDS + 3, BANDS + 4, BANDS + 5
SIDE, CLIP, LEAD, WINDOWS, TICKS = 64, 5.0, 16, 16, 128


# ------------------------------------------------------------------ films

class Film:
    """A shard: pictures, when they appear and cease, and what is heard in each tick."""

    def __init__(self, corpus, name, limit, cache):
        for path in sorted(Path(corpus).glob("*.safetensors")):
            raw = np.memmap(path, np.uint8, "r")
            size, = struct.unpack("<Q", raw[:8].tobytes())
            head = json.loads(raw[8:8 + size].tobytes())
            note = json.loads(head["__metadata__"]["kinophone"])
            if name in note["source"]["name"] or path.name.startswith(name):
                break
        else:
            sys.exit(f"no film named {name!r} in {corpus}: prepare it first")
        part = lambda key, kind: raw[8 + size:][slice(*head[key]["data_offsets"])].view(kind).reshape(head[key]["shape"])
        self.key, self.cache = f"{path.stem[:12]}-{limit or 'all'}", cache
        self.times = np.append(part("times_us", "<i8"), note["end_us"]) / 1e6
        count = int(np.searchsorted(self.times[:-1], limit or np.inf))
        self.pictures, self.times = part("pictures", np.uint8)[:count], self.times[:count + 1]
        self.ticks = int((self.times[-1] if limit is None else min(limit, self.times[-1])) * TICK)
        self.middles = (np.arange(self.ticks) + 0.5) / TICK
        sound = lambda: part("sound", "<i2").astype(np.float32).mean(1) / 32768
        self.heard = kept(cache / f"{self.key}-heard.npz", lambda: listen(resampled(sound(), note["sound_rate"]), self.ticks))

    def zoomed(self, region=(0, 0, 1, 1), colour=False, mirrored=False):
        """Pictures of a region as [n, planes, 64, 64]: grey 0..1, and where wanted blue and red less grey."""
        x, y, w, h = region
        rows, columns = (torch.tensor(cover(self.pictures.shape[1], *axis), dtype=torch.float32) for axis in ((y, h), (x, w)))
        columns = columns.flip(0) if mirrored else columns
        luma = torch.tensor([0.2126, 0.7152, 0.0722])
        planes = torch.stack([luma, torch.tensor([0, 0, 1.0]) - luma, torch.tensor([1.0, 0, 0]) - luma][:3 if colour else 1])
        out = []
        for start in range(0, len(self.pictures), 256):
            rgb = torch.from_numpy(self.pictures[start:start + 256].copy()).float() / 255
            mixed = rgb @ planes.T if rgb.shape[-1] == 3 else rgb.expand(-1, -1, -1, len(planes))
            out.append(torch.einsum("yp,npqc,xq->ncyx", rows, mixed, columns))
        return torch.cat(out)


def kept(path, make):
    """What `make` gives, from the file if it is there."""
    if not path.exists():
        np.savez(path.with_suffix(".part.npz"), **make())
        path.with_suffix(".part.npz").rename(path)
    return dict(np.load(path))


def cover(size, start, length):
    """What each of 64 pixels averages of `size`, [64, size]."""
    edges = size * (start + length * np.arange(SIDE + 1) / SIDE)
    low, high = edges[:-1].copy(), edges[1:].copy()
    small = high - low < 1
    middle = (low + high) / 2
    low[small], high[small] = middle[small] - 0.5, middle[small] + 0.5
    pixels = np.arange(size)
    share = np.clip(np.minimum(high[:, None], pixels + 1) - np.maximum(low[:, None], pixels), 0, None)
    return share / share.sum(1, keepdims=True)


def resampled(sound, rate):
    """At 22 050 Hz, by cutting the spectrum of the whole."""
    seconds = -(-len(sound) // rate)
    spectrum = np.fft.rfft(np.pad(sound, (0, seconds * rate - len(sound))))
    return np.fft.irfft(spectrum[:seconds * RATE // 2 + 1], seconds * RATE) * (RATE / rate)


def mel_bank():
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edge = 700 * (10 ** (np.linspace(mel(30), mel(RATE / 2), BANDS + 2) / 2595) - 1)
    f = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    up = (f - edge[:-2, None]) / (edge[1:-1] - edge[:-2])[:, None]
    down = (edge[2:, None] - f) / (edge[2:] - edge[1:-1])[:, None]
    return np.clip(np.minimum(up, down), 0, None)


def listen(sound, ticks):
    """Log-mel bands, loudness in dB, flux, and which pitch classes sound in each tick, and how tonal it is."""
    sound = np.pad(sound, (4096, max(0, (ticks + 1) * HOP - len(sound)) + 8192))
    bank, window, wide = mel_bank(), np.hanning(WINDOW), np.hanning(4096)
    f = np.arange(1, 2049) * RATE / 4096
    classes = np.zeros((12, 2048))
    played = (f > 100) & (f < 2500)
    classes[np.round(12 * np.log2(f / 440)).astype(int)[played] % 12, np.flatnonzero(played)] = 1
    mel, loudness, chroma = np.empty((ticks, BANDS)), np.empty(ticks), np.empty((ticks, 13))
    for i in range(ticks):
        middle = 4096 + int(round((i + 0.5) * HOP))
        power = np.abs(np.fft.rfft(sound[middle - 1024:middle + 1024] * window)) ** 2
        mel[i] = np.log10(np.maximum(bank @ power, 1e-5))
        loudness[i] = max(10 * np.log10(np.mean(sound[4096 + i * HOP:4096 + (i + 1) * HOP] ** 2) + 1e-12), -70)
        fine = np.abs(np.fft.rfft(sound[middle - 2048:middle + 2048] * wide)[1:]) + 1e-4
        share = np.sqrt(classes @ fine ** 2)
        chroma[i, :12], chroma[i, 12] = share / share.sum(), -np.log(np.exp(np.log(fine[played]).mean()) / fine[played].mean())
    flux = np.maximum(np.diff(mel, axis=0, prepend=mel[:1]), 0).sum(1)
    return dict(mel=mel, loudness=loudness, flux=flux, chroma=chroma)


# ------------------------------------------------------------------ eye

def components(rows, count):
    """Mean, directions [inputs, count] and deviations along them, by randomised subspace iteration."""
    rows = rows.flatten(1)
    mean = rows.mean(0)
    torch.manual_seed(1)
    _, s, v = torch.pca_lowrank(rows - mean, min(count + 12, *rows.shape), center=False, niter=4)
    s = s[:count] / len(rows) ** 0.5
    return mean, v[:, :count] * (s > 1e-4 * s[0]), s.clamp(min=1e-9)


def block_motion(now, before):
    """Where each of 8 × 8 blocks comes from, ±4 pixels, by least absolute difference; no motion without a gain of a tenth."""
    shifts = [(dy, dx) for dy in range(-4, 5) for dx in range(-4, 5)]
    padded = F.pad(before[:, None], (4, 4, 4, 4), mode="replicate")[:, 0]
    cost = [F.avg_pool2d((now - padded[:, 4 + dy:68 + dy, 4 + dx:68 + dx]).abs()[:, None], 8)[:, 0] for dy, dx in shifts]
    cost = torch.stack(cost, 1)
    least, best = cost.min(1)
    still = cost[:, shifts.index((0, 0))]
    moves = torch.tensor(shifts, dtype=torch.float32)[best] * ((least < 0.9 * still - 1e-3)[..., None])
    return moves.flatten(1)


LOOKS = ["signed", "absolute", "picture", "colour", "blocks", "longer"]
MOTION = {"signed", "absolute", "blocks", "longer", "moved"}


def active(film, pictures):
    """The part that moves."""
    whole = film.zoomed()[:, 0]
    still = (whole[pictures] - whole[pictures - 1]).abs().mean(0)
    above = (still - still.median()).clamp(min=0).numpy()
    def span(mass):
        sums = np.cumsum(mass) / max(mass.sum(), 1e-9)
        low, high = np.argmax(sums > 0.04) / SIDE - 0.05, (np.argmax(sums >= 0.96) + 1) / SIDE + 0.05
        return max(low, 0.0), min(high, 1.0) - max(low, 0.0)
    if above.sum() == 0:
        return 0.0, 0.0, 1.0, 1.0
    (x, w), (y, h) = span(above.sum(0)), span(above.sum(1))
    return x, y, w, h


class Eye:
    """Fitted to the training pictures of a film; looks at any."""

    def __init__(self, film, pictures):
        pictures = pictures[::-(-len(pictures) // 3000)]
        self.views = []
        for name, region, (share, low, high) in (("box", active(film, pictures), (125, 16, 96)), ("whole", (0, 0, 1, 1), (100, 64, 128))):
            counts = dict(signed=64, absolute=64, picture=int(np.clip(len(pictures) // share, low, high)), colour=16, blocks=32, longer=64)
            planes = film.zoomed(region, colour=True)
            taken = {look: self.take(look, planes, pictures) for look in LOOKS}
            fits = {look: components(taken[look], counts[look]) for look in LOOKS}
            plain = self.globals(planes, pictures)
            self.views.append((name, region, fits, plain.mean(0), plain.std(0).clamp(min=1e-6)))

    @staticmethod
    def take(look, planes, at):
        grey = lambda back: planes[(at - back).clip(min=0), 0]
        if look == "signed": return grey(0) - grey(1)
        if look == "absolute": return (grey(0) - grey(1)).abs()
        if look == "longer": return grey(0) - grey(3)
        if look == "colour": return planes[at, 1:]
        if look == "blocks": return torch.cat([block_motion(planes[i, 0], planes[(i - 1).clip(min=0), 0]) for i in np.array_split(at, max(1, len(at) // 128))])
        return grey(0)

    @staticmethod
    def globals(planes, at):
        now, before = planes[at, 0].flatten(1), planes[(at - 1).clip(min=0), 0].flatten(1)
        return torch.stack([now.mean(1), now.std(1), ((now - before).abs().mean(1) + 1e-3).log()], 1)

    def look(self, film, varied=None):
        """Numbers a tick by view and look, and the deviations by which components were scaled."""
        seen, random = {}, np.random.default_rng(varied)
        moved, scale, light, gain = random.uniform(-0.08, 0.08, 2), np.exp(random.uniform(-0.15, 0.15)), random.uniform(-0.05, 0.05), np.exp(random.uniform(-0.25, 0.25))
        appear, middle, at = film.times[:-1], (film.times[:-1] + film.times[1:]) / 2, np.arange(len(film.pictures))
        for name, (x, y, w, h), fits, mean, deviation in self.views:
            region = (x, y, w, h)
            if varied is not None:
                axis = lambda start, length, by: (max(start + length * (0.5 + by - scale / 2), 0), min(start + length * (0.5 + by + scale / 2), 1))
                (x0, x1), (y0, y1) = axis(x, w, moved[0]), axis(y, h, moved[1])
                region = (x0, y0, x1 - x0, y1 - y0)
            planes = film.zoomed(region, colour=True, mirrored=bool(varied and varied % 2))
            if varied is not None:
                planes[:, 0] = (gain * planes[:, 0] + light).clamp(0, 1)
            for look, (centre, directions, s) in fits.items():
                rows = torch.cat([(self.take(look, planes, i).flatten(1) - centre) @ directions / s for i in np.array_split(at, max(1, len(at) // 512))])
                seen[f"{name}.{look}"] = at_ticks(film, appear if look in MOTION else middle, rows.numpy())
                seen[f"{name}.{look}.deviation"] = s.numpy()
            plain = ((self.globals(planes, at) - mean) / deviation).numpy()
            seen[f"{name}.light"], seen[f"{name}.moved"] = at_ticks(film, middle, plain[:, :2]), at_ticks(film, appear, plain[:, 2:])
            if name == "whole":
                seen["contrast"] = at_ticks(film, middle, planes[:, 0].flatten(1).std(1, keepdim=True).numpy())
        return seen


def at_ticks(film, moments, rows):
    """Interpolated linearly at the middle of each tick, within ±5."""
    rows = np.clip(rows, -CLIP, CLIP)
    k = np.clip(np.searchsorted(moments, film.middles) - 1, 0, len(moments) - 2)
    share = np.clip((film.middles - moments[k]) / np.maximum(moments[k + 1] - moments[k], 1e-9), 0, 1)[:, None]
    return (rows[k] * (1 - share) + rows[k + 1] * share).astype(np.float32)


# ------------------------------------------------------------------ lessons

class Lesson:
    """A film with a fold held out: what is seen, what is to be said, which ticks may be learned from. `fold` None holds out nothing."""

    def __init__(self, film, fold):
        self.film, self.fold, held = film, fold, np.zeros(film.ticks, bool)
        block = (film.middles // 10).astype(int)
        if fold is not None:
            held = block % 5 == fold
        near = np.convolve(held, np.ones(2 * 15 + 1), "same") > 0
        self.held, self.train = np.flatnonzero(held), np.flatnonzero(~near)
        starts = np.flatnonzero(np.diff(self.train, prepend=-9) > 1)
        self.runs = [(run[0], run[-1] + 1) for run in np.split(self.train, starts[1:])]
        self.scales = {name: (x[self.train].mean(0), x[self.train].std(0) + 1e-6) for name, x in film.heard.items()}
        root = np.sqrt(film.heard["flux"][self.train])
        self.scales["root"] = root.mean(), root.std() + 1e-6
        self.peak_from = np.median(film.heard["flux"][self.train]) + 0.5 * self.scales["flux"][1]
        self.y = self.targets(film.heard)

    @functools.cached_property
    def eye(self):
        picture = np.searchsorted(self.film.times[:-1], self.film.middles[self.train], "right") - 1
        return Eye(self.film, np.unique(picture[picture > 0]))

    def seen(self, film=None, varied=None):
        film = film or self.film
        return kept(film.cache / f"{self.film.key}-{self.fold}-{film.key}-{varied}-seen.npz", lambda: self.eye.look(film, varied))

    def targets(self, heard):
        """[ticks, 69 + 13]: what the brain says, and then the pitch classes and how tonal it is."""
        z = lambda x, name: (x - self.scales[name][0]) / self.scales[name][1]
        flux = heard["flux"]
        after, before = np.append(flux[1:], 0), np.append(0, flux[:-1])
        peak = (flux > self.peak_from) & (flux > before) & (flux >= after)
        columns = [z(heard["mel"], "mel"), z(heard["loudness"], "loudness"), z(np.sqrt(flux), "root"), peak, z(flux, "flux"), heard["loudness"] < -60, z(heard["chroma"], "chroma")]
        return np.column_stack(columns).astype(np.float32)

    def hushed(self, said, contrast):
        """Blank pictures are silent by rule."""
        share = np.clip((0.02 - contrast) / 0.014, 0, 1)
        silence = self.targets(dict(mel=np.full((1, BANDS), -5.0), loudness=np.array([-70.0]), flux=np.zeros(1), chroma=self.scales["chroma"][0][None]))
        silence[:, PEAK], silence[:, GATE] = -9, 9
        return said + share * (silence[:, :said.shape[1]] - said)


# ------------------------------------------------------------------ networks

@dataclass(frozen=True)
class Recipe:
    """How a network learns; the defaults are those of the program."""
    looks: tuple = ("signed", "absolute", "moved", "picture", "light")
    views: tuple = ("box", "whole")
    width: int = 96
    dilations: tuple = (1, 2, 4, 8)
    steps: int = 250
    dropout: float = 0.35
    noise: float = 0.1
    rate: float = 2e-3
    decay: float = 0.05
    chroma: float = 0.0      # weight of the pitch heads
    heads: str = "mean"      # or "mixture", "quantile": of loudness and flux
    focal: float = 0.0
    smear: float = 0.0       # share of a peak that its neighbours get
    agree: float = 0.0       # weight of 1 − correlation within windows
    trend: float = 0.0       # weight of the change of loudness as a target
    mixed: float = 0.0       # share of windows that are mixed from two
    variations: int = 0
    kind: str = "tcn"        # or "gru", which looks 10 ticks ahead
    lessons: str = ""        # another film to begin with
    together: bool = False   # both films all the time


@functools.cache
def pool(draw):
    return draw(1 << 23, generator=torch.Generator().manual_seed(1))


def pooled(draw, shape):
    """Random numbers from a pool: drawing them anew would take half of the time."""
    start = int(torch.randint(0, (1 << 23) - shape.numel(), (1,)))
    return pool(draw)[start:start + shape.numel()].view(shape)


class Tcn(torch.nn.Module):
    def __init__(self, inputs, outputs, recipe):
        super().__init__()
        w = recipe.width
        self.recipe, self.stem, self.out = recipe, torch.nn.Linear(inputs, w), torch.nn.Linear(w, outputs)
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(3 * w, w) for _ in recipe.dilations)

    def drop(self, x, p):
        return x * ((pooled(torch.rand, x.shape) >= p).float() / (1 - p)) if self.training else x

    def forward(self, x):
        y = F.relu(self.stem(self.drop(x, self.recipe.dropout)))
        for d, block in zip(self.recipe.dilations, self.blocks):
            h, n = F.pad(self.drop(y, self.recipe.dropout / 2), (0, 0, d, d)), y.shape[1]
            y = y + F.relu(block(torch.cat([h[:, :n], h[:, d:d + n], h[:, 2 * d:]], -1)))
        return self.out(y)


class Gru(torch.nn.Module):
    def __init__(self, inputs, outputs, recipe):
        super().__init__()
        self.recipe, self.stem, self.out = recipe, torch.nn.Linear(inputs, 128), torch.nn.Linear(128, outputs)
        self.gru = torch.nn.GRU(128, 128, batch_first=True)

    drop = Tcn.drop

    def forward(self, x):
        x = torch.cat([x[:, 10:], x[:, -1:].expand(-1, 10, -1)], 1) if not self.training else x
        return self.out(self.drop(self.gru(F.relu(self.stem(self.drop(x, self.recipe.dropout))))[0], self.recipe.dropout))


HEADS = {"mean": 1, "quantile": 3, "mixture": 9}
SPREAD = [LOUDNESS, ROOT, FLUX]      # what other heads than means are for


def loss_of(out, y, counts, recipe):
    """The recipe's loss; the columns beyond 82 are those of other heads."""
    weight = torch.full((82,), 1.0 / BANDS)
    weight[LOUDNESS], weight[ROOT], weight[PEAK], weight[FLUX], weight[GATE] = 0.3, 0.5, 0.5, 0.5, 0.3
    weight[OUTPUTS:] = recipe.chroma / 13
    part = (out[..., :82] - y) ** 2
    bits = F.binary_cross_entropy_with_logits(out[..., [PEAK, GATE]], y[..., [PEAK, GATE]], reduction="none")
    if recipe.focal:
        p = torch.exp(-bits[..., 0])
        bits = torch.stack([bits[..., 0] * 2 * (1 - p) ** recipe.focal, bits[..., 1]], -1)
    part = torch.cat([part[..., :PEAK], bits[..., :1], part[..., FLUX:GATE], bits[..., 1:], part[..., OUTPUTS:]], -1)
    if recipe.heads != "mean":
        spread = out[..., 82:82 + 3 * HEADS[recipe.heads]].unflatten(-1, (3, -1))
        truth = y[..., SPREAD][..., None]
        if recipe.heads == "quantile":
            error, q = truth - spread, torch.tensor([0.25, 0.5, 0.75])
            other = torch.maximum(q * error, (q - 1) * error).sum(-1)
        else:
            means, logs, chances = spread.chunk(3, -1)
            logs = logs.clamp(-3, 3)
            other = -torch.logsumexp(chances.log_softmax(-1) - logs - 0.5 * ((truth - means) / logs.exp()) ** 2, -1)
        part = torch.cat([part[..., :LOUDNESS], other[..., :2], part[..., PEAK:FLUX], other[..., 2:], part[..., GATE:]], -1)
    total = ((part * weight).sum(-1) * counts).sum() / counts.sum()
    if recipe.agree:
        centred = lambda x: x - (x * counts[..., None]).sum(1, keepdim=True) / counts.sum(1)[:, None, None].clamp(min=1)
        a, b = (centred(x[..., SPREAD]) * counts[..., None] for x in (out, y))
        total = total + recipe.agree * (1 - ((a * b).sum(1) / ((a * a).sum(1) * (b * b).sum(1) + 1e-3).sqrt()).mean())
    if recipe.trend:
        rise = lambda x: x[:, 3:, LOUDNESS] - x[:, :-3, LOUDNESS]
        total = total + recipe.trend * (((rise(out) - rise(y)) ** 2) * counts[:, 3:]).mean()
    return total


def columns(seen, recipe):
    """Inputs, and which of them describe the scene and not its motion."""
    names = [f"{view}.{look}" for view in recipe.views for look in recipe.looks]
    scene = np.concatenate([np.full(seen[n].shape[1], n.split(".")[1] not in MOTION) for n in names])
    return torch.from_numpy(np.concatenate([seen[n] for n in names], 1)), torch.from_numpy(scene)


def learn(lesson, recipe, seed, others=()):
    """One network; its answers to the lesson's film, or to `others`: what is seen in other films."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    x, scene = columns(lesson.seen(), recipe)
    sources = [([x] + [columns(lesson.seen(varied=v), recipe)[0] for v in range(1, recipe.variations + 1)], lesson.y, lesson.runs)]
    if recipe.lessons:
        other = FILMS(recipe.lessons)
        first = ([columns(lesson.seen(other), recipe)[0]], lesson.targets(other.heard), [(0, other.ticks)])
        sources = [first] + sources
    net = (Gru if recipe.kind == "gru" else Tcn)(x.shape[1], 82 + (0 if recipe.heads == "mean" else 3 * HEADS[recipe.heads]), recipe)
    average = [p.detach().clone() for p in net.parameters()]
    stages = [[s for s in sources]] if recipe.together else [[s] for s in sources]
    for stage in stages:
        weights = [p for n, p in net.named_parameters() if "weight" in n]
        biases = [p for n, p in net.named_parameters() if "bias" in n]
        optimizer = torch.optim.AdamW([dict(params=weights), dict(params=biases, weight_decay=0)], recipe.rate, (0.9, 0.99), weight_decay=recipe.decay)
        for step in range(recipe.steps):
            net.train()
            batch = [window(stage[random.integers(len(stage))], recipe, random, scene) for _ in range(WINDOWS)]
            x, y, counts = (torch.stack(part) for part in zip(*batch))
            if recipe.mixed:
                share = torch.from_numpy(random.beta(0.3, 0.3, (WINDOWS, 1, 1)) * (random.random((WINDOWS, 1, 1)) < recipe.mixed)).float()
                x, y, counts = x + share * (x.flip(0) - x), y + share * (y.flip(0) - y), counts * counts.flip(0)
            loss = loss_of(net(x + recipe.noise * pooled(torch.randn, x.shape)), y, counts, recipe)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * min(1, (step + 1) / 20) * 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            torch._foreach_lerp_(average, [p.detach() for p in net.parameters()], 0.02)
    for p, a in zip(net.parameters(), average):
        p.data.copy_(a)
    net.eval()
    with torch.no_grad():
        return [answers(net(columns(seen, recipe)[0][None])[0], recipe) for seen in others or [lesson.seen()]]


def window(source, recipe, random, scene):
    inputs, y, runs = source
    lengths = np.array([b - a for a, b in runs])
    a, b = runs[random.choice(len(runs), p=lengths / lengths.sum())]
    start = a + random.integers(0, max(b - a - TICKS, 0) + 1)
    ticks = np.arange(start, start + TICKS)
    counts = torch.from_numpy(((ticks < b) & (ticks >= start + LEAD)).astype(np.float32))
    ticks = ticks.clip(max=len(y) - 1)
    ahead = (ticks + 10 if recipe.kind == "gru" else ticks).clip(max=len(y) - 1)
    x, y = inputs[random.integers(len(inputs))][ahead], torch.from_numpy(y[ticks])
    if random.random() < 0.3:
        x = (x + 1.5 * torch.from_numpy(random.standard_normal(x.shape[1], np.float32)) * scene).clamp(-CLIP, CLIP)
    if recipe.smear:
        peak = y[:, PEAK]
        near = F.max_pool1d(peak[None, None], 3, 1, 1)[0, 0]
        y = torch.cat([y[:, :PEAK], torch.maximum(peak, recipe.smear * near)[:, None], y[:, FLUX:]], 1)
    return x, y, counts


def answers(out, recipe):
    said = out[:, :82].clone()
    if recipe.heads != "mean":
        spread = out[:, 82:].unflatten(-1, (3, -1))
        if recipe.heads == "quantile":
            said[:, SPREAD] = spread.mean(-1)
        else:
            means, _, chances = spread.chunk(3, -1)
            said[:, SPREAD] = (means * chances.softmax(-1)).sum(-1)
    return said.numpy()


# ------------------------------------------------------------------ memories

def logit(p, least=0.01):
    p = np.clip(p, least, 1 - least)
    return np.log(p / (1 - p))


def portrait(seen, reach, causal, shares, whiten):
    """What a tick looks like and has looked like: mean square distances of 2 for each look between ticks at random."""
    rows = []
    for name, share in shares.items():
        x, s = seen[name], seen[name + ".deviation"] ** (1 - whiten)
        x = x * s / np.sqrt((s ** 2).sum()) * np.sqrt(share)
        lags = (0,) if name.endswith("picture") else reach
        for lag in lags:
            if not (causal and lag > 0):
                rows.append(np.roll(x, -lag, 0) / np.sqrt(len(lags)))
    return np.concatenate(rows, 1)


SHARES = {"whole.signed": 1.0, "whole.absolute": 1.0, "whole.picture": 1.0, "box.signed": 1.0, "box.absolute": 1.0}


def remember(lesson, k=32, sharpness=3.0, reach=(-1, 0, 1), shares=None, whiten=0.0, causal=False, other=None):
    """Mean of what the k training ticks that look most alike sound like, weighed by exp(−sharpness · d² / d²_k/2)."""
    look = lambda seen: torch.from_numpy(portrait(seen, reach, causal, shares or SHARES, whiten))
    known = look(lesson.seen())[lesson.train]
    y = torch.from_numpy(lesson.y)[lesson.train]
    said = []
    for rows in look(other or lesson.seen()).split(1024):
        distance, which = (torch.cdist(rows, known) ** 2).topk(k, largest=False)
        weight = torch.softmax(-sharpness * distance / distance[:, k // 2:k // 2 + 1].clamp(min=1e-6), 1)
        said.append((weight[..., None] * y[which]).sum(1))
    said = torch.cat(said).numpy()
    said[:, [PEAK, GATE]] = logit(said[:, [PEAK, GATE]])
    return said


def ridge(lesson, strength=1e4, reach=(-12, -8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12), recipe=Recipe(), other=None):
    """Linear in what is seen now, before and after."""
    def stacked(seen):
        x = columns(seen, recipe)[0]
        return torch.cat([x.roll(-lag, 0) for lag in reach] + [torch.ones(len(x), 1)], 1)
    x, y = stacked(lesson.seen())[lesson.train], torch.from_numpy(lesson.y)[lesson.train]
    there = stacked(other or lesson.seen())
    if len(x) < x.shape[1]:
        gram = x @ x.T
        said = there @ (x.T @ torch.linalg.solve(gram + strength * torch.eye(len(x)), y))
    else:
        gram = x.T @ x
        said = there @ torch.linalg.solve(gram + strength * torch.eye(x.shape[1]), x.T @ y)
    said = said.numpy()
    said[:, [PEAK, GATE]] = logit(said[:, [PEAK, GATE]])
    return said


# ------------------------------------------------------------------ scores

def r(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-12))


def onset(said):
    z = lambda x: (x - x.mean()) / (x.std() + 1e-9)
    return z(said[:, ROOT]) + z(said[:, FLUX]) + z(1 / (1 + np.exp(-said[:, PEAK])))


def scores(lesson, said):
    """Of what is said of the held-out ticks."""
    said = lesson.hushed(said, lesson.seen()["contrast"])[lesson.held]
    heard = {name: x[lesson.held] for name, x in lesson.film.heard.items()}
    mean, deviation = lesson.scales["mel"]
    error = said[:, :BANDS] * deviation + mean - heard["mel"]
    out = dict(onset_r=r(onset(said), heard["flux"]), loudness_r=r(said[:, LOUDNESS], heard["loudness"]), mel_l1=float(np.abs(error - error.mean()).mean()))
    loud = heard["loudness"] > -60
    chroma, truth = said[loud, OUTPUTS:OUTPUTS + 12], lesson.y[lesson.held][loud, OUTPUTS:OUTPUTS + 12]
    rolled = [r(np.roll(chroma, shift, 0), truth) for shift in range(30, len(chroma) - 30, 15)]
    return out | dict(chroma_r=r(chroma, truth), chroma_by_chance=float(np.quantile(rolled, 0.95)))


# ------------------------------------------------------------------ variants

def net(count=1, **changes):
    """One network, or the mean of several."""
    recipe = replace(Recipe(), **changes)
    def say(lesson, seed, others):
        parts = [learn(lesson, recipe, seed * 100 + i, others) for i in range(count)]
        return [np.mean(said, 0) for said in zip(*parts)]
    return say


def memory(**settings):
    return lambda lesson, seed, others: [remember(lesson, other=other, **settings) for other in others or [None]]


def line(**settings):
    return lambda lesson, seed, others: [ridge(lesson, other=other, **settings) for other in others or [None]]


def mix(*parts):
    """Names of variants and what they weigh."""
    def say(lesson, seed, others):
        said = [answer(name, lesson, seed, others) for name in parts[::2]]
        return [np.average(each, 0, parts[1::2]).astype(np.float32) for each in zip(*said)]
    return say


def program(lesson, seed, others):
    """The mean of the five networks that the program has."""
    both, motion = Recipe().looks, ("signed", "absolute")
    parts = [("gru", "box", both), ("gru", "box", motion), ("tcn", "box", both), ("gru", "whole", both), ("tcn", "whole", both)]
    said = [learn(lesson, Recipe(kind=kind, views=(view,), looks=looks), seed * 100 + i, others) for i, (kind, view, looks) in enumerate(parts)]
    return [np.mean(each, 0) for each in zip(*said)]


WITHOUT_SEED = ("memory", "ridge")
ALL = Recipe().looks
VARIANTS = {
    "default": net(),
    "memory": memory(),
    "ridge": line(),
    "default + memory 0.25": mix("default", 0.75, "memory", 0.25),
    "default + memory 0.5": mix("default", 0.5, "memory", 0.5),
    "default + ridge 0.25": mix("default", 0.75, "ridge", 0.25),
    "default + ridge 0.5": mix("default", 0.5, "ridge", 0.5),
    "default + memory + ridge": mix("default", 0.6, "memory", 0.2, "ridge", 0.2),
    "4 networks": net(4),
    "a network for each view": lambda l, s, o: [np.mean(x, 0) for x in zip(net(views=("box",))(l, s, o), net(views=("whole",))(l, s, o))],
    "the program's five": program,
    "colour, too": net(looks=ALL + ("colour",)),
    "block motion, too": net(looks=ALL + ("blocks",)),
    "differences over 3 pictures, too": net(looks=ALL + ("longer",)),
    "chroma 0.3": net(chroma=0.3),
    "correlation in the loss": net(agree=0.3),
    "focal loss": net(focal=2.0),
    "peaks smeared": net(smear=0.5),
    "rise of loudness": net(trend=0.1),
    "mixture heads": net(heads="mixture"),
    "quantile heads": net(heads="quantile"),
    "mixed windows": net(mixed=0.5),
    "width 192": net(width=192),
    "500 steps": net(steps=500),
    "dropout 0.5": net(dropout=0.5),
    "noise 0.4": net(noise=0.4),
    "decay 0.5": net(decay=0.5),
    "4 variations of the film": net(variations=4),
    "begun with another film": net(lessons="furelise"),
    "two films together": net(lessons="furelise", together=True),
    "6 blocks": net(dilations=(1, 2, 4, 8, 16, 32)),
}


def answer(name, lesson, seed, others=None):
    """What a variant says, from the cache if it is there."""
    if others:
        return VARIANTS[name](lesson, seed, others)
    seed = 0 if name.startswith(WITHOUT_SEED) else seed
    path = lesson.film.cache / f"{lesson.film.key}-{lesson.fold}-{seed}-{zlib.crc32(name.encode()):08x}-said.npz"
    return [kept(path, lambda: dict(said=VARIANTS[name](lesson, seed, None)[0]))["said"]]


def table(film, names, folds, seeds):
    print(f"{film.key}: folds {folds}, seeds {seeds}\n\n| variant | onset_r | difference | loudness_r | difference | mel L1 | chroma (chance) |\n|---|---|---|---|---|---|---|")
    lessons = [Lesson(film, fold) for fold in folds]
    base = None
    for name in names:
        all_scores = [[scores(lesson, answer(name, lesson, seed)[0]) for seed in seeds] for lesson in lessons]
        got = {key: np.array([[s[key] for s in row] for row in all_scores]) for key in all_scores[0][0]}
        base = base or got
        def change(key):
            d = (got[key] - base[key]).ravel()
            return f"{d.mean():+.3f} ± {d.std(ddof=1) / len(d) ** 0.5 if len(d) > 1 else 0:.3f} ({(got[key].mean(1) > base[key].mean(1)).sum()}/{len(folds)})"
        mean = {key: x.mean() for key, x in got.items()}
        print(f"| {name} | {mean['onset_r']:.3f} | {change('onset_r')} | {mean['loudness_r']:.3f} | {change('loudness_r')} | {mean['mel_l1']:.3f} | {mean['chroma_r']:.2f} ({mean['chroma_by_chance']:.2f}) |", flush=True)


def main():
    global FILMS
    numbers = lambda text: [int(x) for x in text.split(",")]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("corpus"), p.add_argument("variants", nargs="*", metavar="VARIANT")
    p.add_argument("--film", default="piano-bach"), p.add_argument("--limit", type=float)
    p.add_argument("--folds", type=numbers, default=[0, 1, 2, 3, 4]), p.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    p.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "kinophone-lab")
    o = p.parse_intermixed_args()
    torch.set_num_threads(1)
    o.cache.mkdir(parents=True, exist_ok=True)
    FILMS = functools.cache(lambda name: Film(o.corpus, name, o.limit, o.cache))
    names = o.variants or list(VARIANTS)
    table(FILMS(o.film), ["default"] + [n for n in names if n != "default"], o.folds, o.seeds)


if __name__ == "__main__":
    main()
