//! Pictures to look at: contact sheets, filters, loss curves, waveforms, spectrograms, as PNG.
