//! Loudness (EBU R 128) and the limiter that keeps true peaks under a ceiling.
