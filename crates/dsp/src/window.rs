//! Windows and grain envelopes.
