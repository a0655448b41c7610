//! Whose pictures and sounds are these? Rules that tell when a work is free, and licences that fit together.
//!
//! It rests on the library's ledger ([`kinophone::ledger`]), which films carry into brains and brains into
//! soundtracks.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod fingerprint;
