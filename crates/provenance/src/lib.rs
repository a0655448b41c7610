//! Whose pictures and sounds are these?
//!
//! It rests on the library's ledger ([`kinophone::ledger`]), which films carry into brains and brains into soundtracks.

#![forbid(unsafe_code)]

pub mod carrier;
pub mod ledger_file;
