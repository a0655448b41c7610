//! Rights: when works are free, which licences fit together, and the words of attribution.
//!
//! All of it are hints by tables that people can read, `data/public-domain.toml` and `data/licences.toml`; none of it is advice.

mod attribution;
mod licence;
mod public_domain;

pub use attribution::{Credited, Style, attribution};
pub use licence::{Choice, Combination, Conflict, Licence, Licences, Material, Unread, Warning};
pub use public_domain::{Country, Fact, Law, Rules, Status};
