#!/usr/bin/env python3
"""Compares a soundtrack with the film's own sound; written apart from `kinophone eval`, whose figures it checks.

usage: judge.py REFERENCE GENERATED [--fps 30] [--held-out all|every5th] [--limit SECONDS]

Both arguments are anything ffmpeg decodes. Needs python3, numpy and ffmpeg. Prints one JSON object:
  loudness_r   Pearson correlation of the per-frame loudness curves (dB, floor -70 dBFS)
  onset_r      best correlation of the onset-strength curves (half-wave rectified log-mel flux) over lags of +-0.5 s
  onset_lag_s  the lag at which it is reached; positive = the generated sound is late
  logmel_l1    mean absolute log10 mel difference, 64 bands (floor 1e-5: above 16-bit noise), after matching overall level; lower is better
  comb_db      mean prominence of the frame-rate harmonics (k*fps, k = 1..40) over their neighbourhood; comb_ref_db: the original's
  level_db     mean frame loudness of the generated sound; level_ref_db: the original's
"every5th" scores only each fifth block of ten seconds (blocks 4, 9, 14, ...): the blocks that training must leave out.
Needs no trained weights, so it runs anywhere; it is not a substitute for listening.
"""
import argparse, json, subprocess
import numpy as np

RATE, WINDOW, BANDS = 22050, 2048, 64


def decode(path, limit):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0"]
    if limit:
        command += ["-t", str(limit)]
    raw = subprocess.run(command + ["-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.float32).astype(np.float64)


def mel_bank():
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edge = 700 * (10 ** (np.linspace(mel(30), mel(RATE / 2), BANDS + 2) / 2595) - 1)
    f = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    up = (f - edge[:-2, None]) / (edge[1:-1] - edge[:-2])[:, None]
    down = (edge[2:, None] - f) / (edge[2:] - edge[1:-1])[:, None]
    return np.clip(np.minimum(up, down), 0, None)


def curves(x, fps, n):
    """Per-frame loudness in dB [n] and log10 mel power [n, BANDS], frame i centred on (i + 0.5) / fps."""
    hop = RATE / fps
    padded = np.pad(x, (WINDOW, 2 * WINDOW))
    window, bank = np.hanning(WINDOW), mel_bank()
    loud, logmel = np.empty(n), np.empty((n, BANDS))
    for i in range(n):
        block = x[int(round(i * hop)):int(round((i + 1) * hop))]
        loud[i] = 10 * np.log10(max(np.mean(block ** 2) if len(block) else 0.0, 1e-7))
        start = WINDOW + int(round((i + 0.5) * hop)) - WINDOW // 2
        logmel[i] = np.log10(np.maximum(bank @ np.abs(np.fft.rfft(padded[start:start + WINDOW] * window)) ** 2, 1e-5))
    return loud, logmel


def onset(logmel):
    return np.maximum(np.diff(logmel, axis=0, prepend=logmel[:1]), 0).sum(1)


def r(a, b):
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-12))


def best_lag(reference, generated, keep, reach):
    """Correlation over the kept frames with the generated curve shifted by each lag; rolled ends are dropped."""
    keep = keep.copy()
    keep[:reach] = keep[len(keep) - reach:] = False
    scores = [r(reference[keep], np.roll(generated, -lag)[keep]) for lag in range(-reach, reach + 1)]
    best = int(np.argmax(scores))
    return scores[best], best - reach


def comb(x, fps):
    n = 1 << 17 if len(x) >= 1 << 17 else 1 << 15
    if len(x) < n:
        return None
    window = np.hanning(n)
    power = np.mean([np.abs(np.fft.rfft(x[i:i + n] * window)) ** 2 for i in range(0, len(x) - n + 1, n)], axis=0)
    width, rows = RATE / n, []
    reach = max(2, int(1.0 / width))
    for k in range(1, 41):
        c = int(round(k * fps / width))
        near = np.r_[power[c - 12 * reach:c - 3 * reach], power[c + 3 * reach:c + 12 * reach]]
        rows.append(10 * np.log10(power[c - reach:c + reach + 1].max() / (np.median(near) + 1e-20)))
    return float(np.mean(rows))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("reference"), p.add_argument("generated")
    p.add_argument("--fps", type=float, default=30.0)
    p.add_argument("--held-out", choices=["all", "every5th"], default="all")
    p.add_argument("--limit", type=float)
    o = p.parse_args()
    ref, gen = decode(o.reference, o.limit), decode(o.generated, o.limit)
    n = int(min(len(ref), len(gen)) * o.fps / RATE)
    (loud_ref, mel_ref), (loud, mel) = curves(ref, o.fps, n), curves(gen, o.fps, n)
    block = (np.arange(n) / o.fps // 10).astype(int)
    keep = np.ones(n, bool) if o.held_out == "all" else block % 5 == 4
    score, lag = best_lag(onset(mel_ref), onset(mel), keep, int(round(o.fps / 2)))
    shift = np.mean(mel[keep]) - np.mean(mel_ref[keep])
    print(json.dumps({
        "frames": int(keep.sum()), "loudness_r": round(r(loud_ref[keep], loud[keep]), 4),
        "onset_r": round(score, 4), "onset_lag_s": round(lag / o.fps, 4),
        "logmel_l1": round(float(np.abs(mel[keep] - shift - mel_ref[keep]).mean()), 4),
        "comb_db": comb(gen, o.fps), "comb_ref_db": comb(ref, o.fps),
        "level_db": round(float(loud[keep].mean()), 2), "level_ref_db": round(float(loud_ref[keep].mean()), 2)}))


if __name__ == "__main__":
    main()
