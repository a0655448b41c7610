"""What lab.py learns from: films as shards, what is heard in them, what an eye sees in them, and folds that are held out.

The same as crates/kinophone/src/model/features and controls.rs do, small and slow, with a few more things to look for.
"""
import functools, json, struct, sys
from pathlib import Path
import numpy as np, torch
import torch.nn.functional as F

RATE, HOP, TICK, WINDOW, BANDS = 22050, 735, 30, 2048, 64
OUTPUTS = BANDS + 5
LOUDNESS, ROOT_FLUX, PEAK, FLUX, GATE = range(BANDS, OUTPUTS)
SIDE, CLIP = 64, 5.0


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
