//! Objective measures of a soundtrack: frame loudness, onsets, the comb at the frame rate, two soundtracks compared.
