//! Whose pictures and sounds are these? Ledgers as files, rules that tell when a work is free, licences that fit together, and
//! fingerprints by which works are found again.
//!
//! It rests on the library's ledger ([`kinophone::ledger`]), which films carry into brains and brains into soundtracks.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod carrier;
pub mod fingerprint;
pub mod ledger_file;
pub mod rights;
