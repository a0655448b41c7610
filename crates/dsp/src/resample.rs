//! Sample-rate conversion with its delay removed.
