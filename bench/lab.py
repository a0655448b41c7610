#!/usr/bin/env python3
"""Trials of what the program does not have: other networks, losses and targets, and memories of pictures, over folds and seeds.

usage: python3 bench/lab.py [VARIANT ...] [--film piano-bach] [--folds 0,1,2,3,4] [--seeds 1,2,3] [--limit SECONDS] [--cache DIR]
       python3 bench/lab.py [VARIANT ...] --corpus DIR --etude LESSON TEST EVENTS.json

A corpus of one's own is made by `kinophone prepare FILM... -o DIR --size 128 --colour`; without one, three films of the tests are prepared.
Rebuilds, small and in PyTorch, what the ensemble preset does (features, controls, one convolutional network; crates/kinophone/src/model),
so that ideas can be tried in an afternoon before anybody writes them in Rust. Fold f holds out the blocks of ten
seconds with number % 5 = f and half a second around them. Judged are predictions, not sound: onset_r and loudness_r as in the
program's verdict, the mean absolute error of the log-mel spectrum at equal mean level, and the correlation of chroma.
Prints a Markdown table: means over folds and seeds, and differences to the default with the standard error of the
mean of the differences paired by fold and seed. Features and predictions are kept in the cache folder.
"""
import argparse, functools, json, subprocess, sys, tempfile, zlib
from dataclasses import dataclass, replace
from pathlib import Path
import numpy as np, torch
import torch.nn.functional as F
from footage import find
from lab_films import BANDS, CLIP, FLUX, GATE, LOUDNESS, MOTION, OUTPUTS, PEAK, RATE, ROOT_FLUX, Film, Lesson, kept

ROOT = Path(__file__).resolve().parent.parent
LEAD, WINDOWS, TICKS = 16, 16, 128


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
SPREAD = [LOUDNESS, ROOT_FLUX, FLUX]      # what other heads than means are for


def loss_of(out, y, counts, recipe):
    """The recipe's loss; the columns beyond 82 are those of other heads."""
    weight = torch.full((82,), 1.0 / BANDS)
    weight[LOUDNESS], weight[ROOT_FLUX], weight[PEAK], weight[FLUX], weight[GATE] = 0.3, 0.5, 0.5, 0.5, 0.3
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
        if other is lesson.film:
            sys.exit(f"{recipe.lessons} is the film that is judged: it can't be learned from before")
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

def as_logits(said, least=0.01):
    p = said[:, [PEAK, GATE]].clip(least, 1 - least)
    said[:, [PEAK, GATE]] = np.log(p / (1 - p))
    return said


def portrait(seen, reach, sizes):
    """What a tick looks like, or those around it: distances between pictures and between differences, as far as the first components
    tell; each look has a mean square distance of 2 between training ticks."""
    rows = []
    for name, count in sizes.items():
        x, s = seen[name][:, :count], seen[name + ".deviation"][:count]
        lags = (0,) if name.endswith("picture") else reach
        rows += [np.roll(x * s / np.sqrt((s ** 2).sum() * len(lags)), -lag, 0) for lag in lags]
    return torch.from_numpy(np.concatenate(rows, 1))


PORTRAIT = {"whole.signed": 12, "whole.absolute": 12, "whole.picture": 24}
LONG = {"whole.signed": 64, "whole.absolute": 64, "whole.picture": 128, "box.signed": 64, "box.absolute": 64}


def remember(lesson, k=32, sharpness=3.0, reach=(0,), sizes=None, other=None):
    """Mean of what the k training ticks sound like that look most alike, weighed by exp(−sharpness · d² / d² of the middle one)."""
    sizes = sizes or PORTRAIT
    known, y = portrait(lesson.seen(), reach, sizes)[lesson.train], torch.from_numpy(lesson.y)[lesson.train]
    said = []
    for rows in portrait(other or lesson.seen(), reach, sizes).split(1024):
        distance, which = (torch.cdist(rows, known) ** 2).topk(k, largest=False)
        weight = torch.softmax(-sharpness * distance / distance[:, k // 2:k // 2 + 1].clamp(min=1e-6), 1)
        said.append((weight[..., None] * y[which]).sum(1))
    return as_logits(torch.cat(said).numpy())


def ridge(lesson, strength=4.0, kernel=False, other=None):
    """Linear in what is seen now, before and after, or with a Gaussian kernel as wide as the median distance."""
    def stacked(seen):
        x = columns(seen, Recipe())[0]
        return torch.cat([x.roll(-lag, 0) for lag in (-12, -8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12)] + [torch.ones(len(x), 1)], 1)
    x, y, there = stacked(lesson.seen())[lesson.train], torch.from_numpy(lesson.y)[lesson.train], stacked(other or lesson.seen())
    if kernel:
        far, mean = torch.cdist(x, x) ** 2, y.mean(0)
        width = far.median()
        weights = torch.linalg.solve(torch.exp(-far / width) + 0.3 * torch.eye(len(x)), y - mean)
        return as_logits((torch.exp(-torch.cdist(there, x) ** 2 / width) @ weights + mean).numpy())
    if len(x) < x.shape[1]:
        return as_logits((there @ (x.T @ torch.linalg.solve(x @ x.T + strength * len(x) * torch.eye(len(x)), y))).numpy())
    return as_logits((there @ torch.linalg.solve(x.T @ x + strength * len(x) * torch.eye(x.shape[1]), x.T @ y)).numpy())


# ------------------------------------------------------------------ scores

def r(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-12))


def onset(said):
    z = lambda x: (x - x.mean()) / (x.std() + 1e-9)
    return z(said[:, ROOT_FLUX]) + z(said[:, FLUX]) + z(1 / (1 + np.exp(-said[:, PEAK])))


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

def net(**changes):
    recipe = replace(Recipe(), **changes)
    return lambda lesson, seed, others: learn(lesson, recipe, 100 * seed, others)


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


WITHOUT_SEED = ("memory", "ridge", "kernel ridge", "3 networks")
ALL = Recipe().looks
VARIANTS = {
    "default": net(),
    "memory": memory(),
    "memory, long portrait": memory(sizes=LONG, reach=(-1, 0, 1)),
    "ridge": line(),
    "kernel ridge": line(kernel=True),
    "default + memory 0.2": mix("default", 0.8, "memory", 0.2),
    "default + memory 0.33": mix("default", 0.67, "memory", 0.33),
    "default + memory 0.5": mix("default", 0.5, "memory", 0.5),
    "default + ridge 0.25": mix("default", 0.75, "ridge", 0.25),
    "default + kernel ridge 0.25": mix("default", 0.75, "kernel ridge", 0.25),
    "default + memory 0.25 + kernel ridge 0.25": mix("default", 0.5, "memory", 0.25, "kernel ridge", 0.25),
    "3 networks": lambda lesson, seed, others: [np.mean(each, 0) for each in zip(*(answer("default", lesson, s, others) for s in (1, 2, 3)))],
    "the program's five": program,
    "the five + memory 0.2": mix("the program's five", 0.8, "memory", 0.2),
    "the five + memory 0.33": mix("the program's five", 0.67, "memory", 0.33),
    "the five + default": mix("the program's five", 5, "default", 1),
    "the five + 3 networks": mix("the program's five", 5, "3 networks", 3),
    "the five + 3 networks + memory 0.25": mix("the five + 3 networks", 0.75, "memory", 0.25),
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
    "4 variations of the film": net(variations=4),
    "begun with piano-furelise": net(lessons="piano-furelise"),
    "begun with piano-bach": net(lessons="piano-bach"),
    "begun with big-buck-bunny": net(lessons="big-buck-bunny"),
    "together with piano-furelise": net(lessons="piano-furelise", together=True),
    "width 192": net(width=192),
    "500 steps": net(steps=500),
    "6 blocks": net(dilations=(1, 2, 4, 8, 16, 32)),
    "dropout 0.5": net(dropout=0.5),
    "noise 0.4": net(noise=0.4),
    "decay 0.5": net(decay=0.5),
}


def answer(name, lesson, seed, others=None):
    """What a variant says, from the cache if it is there."""
    if others:
        return VARIANTS[name](lesson, seed, others)
    seed = 0 if name.split(",")[0] in WITHOUT_SEED else seed
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


def etude(lesson, test, events, names):
    """Drawn films, whose truth is known: all of one is learned, the other is played to."""
    lesson, seen, heard = Lesson(lesson, None), None, test.heard
    seen, events = lesson.seen(test), json.loads(Path(events).read_text())["events"]
    count, line = np.zeros(test.ticks + 2, int), np.zeros(test.ticks + 2, bool)
    for event in events:
        start, end = event["frame"], event["frame"] + event["frames"]
        count[start - 1:end + 1] += 1
        line[start + 1:end - 1] |= event["shape"] == "line"
    alone, sounds = np.flatnonzero((line & (count == 1))[:test.ticks]), heard["loudness"] > -60
    starts = {shape: [e["frame"] for e in events if shape in ("", e["shape"])] for shape in ("", "line")}
    middle = np.linspace(0, 1, BANDS + 2)[1:-1] * np.log10(1 + RATE / 1400) + (1 - np.linspace(0, 1, BANDS + 2)[1:-1]) * np.log10(1 + 30 / 700)
    bands = np.flatnonzero((700 * (10 ** middle - 1) > 180) & (700 * (10 ** middle - 1) < 720))
    highest = lambda mel: np.log(10 ** middle - 1)[bands][mel[alone][:, bands].argmax(1)]
    print("| variant | open where it sounds | closed in silence | open as events begin | as lines begin | loudness_r | mel L1 | pitch_r |\n|---|---|---|---|---|---|---|---|")
    for name in names:
        said = lesson.hushed(VARIANTS[name](lesson, 1, [seen])[0], seen["contrast"])
        gate, mel = said[:, GATE] < 0, said[:, :BANDS] * lesson.scales["mel"][1] + lesson.scales["mel"][0]
        shares = [gate[sounds].mean(), 1 - gate[~sounds].mean(), gate[starts[""]].mean(), gate[starts["line"]].mean()]
        figures = [r(said[:, LOUDNESS], heard["loudness"]), np.abs(mel - heard["mel"]).mean(), r(highest(mel), highest(heard["mel"]))]
        print(f"| {name} | " + " | ".join(f"{x:.3f}" for x in shares + figures) + " |", flush=True)


def test_films(corpus):
    films = [find(f"{name}.mp4") for name in ("piano-bach", "piano-furelise", "big-buck-bunny")]
    if not corpus.exists():
        subprocess.run([ROOT / "target/release/kinophone", "prepare", *films, "-o", corpus, "--size", "128", "--colour"], check=True)
    return corpus


def main():
    global FILMS
    numbers = lambda text: [int(x) for x in text.split(",")]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("variants", nargs="*", metavar="VARIANT", help="default: all")
    p.add_argument("--corpus", type=Path, help="folder of prepared films")
    p.add_argument("--film", default="piano-bach"), p.add_argument("--limit", type=float)
    p.add_argument("--folds", type=numbers, default=[0, 1, 2, 3, 4]), p.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    p.add_argument("--etude", nargs=3, metavar=("LESSON", "TEST", "EVENTS"), help="names of two drawn films, and the second one's truth")
    p.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "kinophone-lab")
    o = p.parse_intermixed_args()
    torch.set_num_threads(1)
    o.cache.mkdir(parents=True, exist_ok=True)
    FILMS = functools.cache(lambda name: Film(o.corpus or test_films(o.cache / "corpus"), name, o.limit, o.cache))
    names = o.variants or [name for name in VARIANTS if not name.endswith(f"with {o.film}")]
    if o.etude:
        return etude(FILMS(o.etude[0]), FILMS(o.etude[1]), o.etude[2], o.variants or ["default", "memory", "default + memory 0.33", "the program's five", "the five + memory 0.33"])
    table(FILMS(o.film), ["default"] + [n for n in names if n != "default"], o.folds, o.seeds)


if __name__ == "__main__":
    main()
