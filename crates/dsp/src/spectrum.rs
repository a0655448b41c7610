//! Spectra: STFT and its inverse, mel bands, spectrogram columns.
