//! Etudes: short abstract films that Kinophone draws itself, each shape with its own sound, with the truth about every
//! event. The demo learns from them; the tests measure with them.
