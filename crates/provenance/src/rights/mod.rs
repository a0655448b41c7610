//! Rights: when works are free, which licences fit together, and the words of attribution.

mod public_domain;

pub use public_domain::{Country, Fact, Law, Rules, Status};
