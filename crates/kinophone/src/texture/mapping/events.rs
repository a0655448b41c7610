//! Names of events in mappings.

use crate::visual::VisualEvent;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::fmt;

const NAMES: [&str; 3] = ["motion-onsets", "flashes", "cuts"];
const EVENTS: [VisualEvent; 3] = [VisualEvent::Motion, VisualEvent::Flash, VisualEvent::Cut];

/// Reads one name, or a list of them.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<VisualEvent>, D::Error> {
    from.deserialize_any(EventNames)
}

/// Writes a list of names.
pub(super) fn write<S: serde::Serializer>(events: &[VisualEvent], to: S) -> Result<S::Ok, S::Error> {
    let name = |event: &VisualEvent| EVENTS.iter().zip(NAMES).find(|(known, _)| *known == event);
    to.collect_seq(events.iter().filter_map(name).map(|(_, name)| name))
}

struct EventNames;

impl<'de> Visitor<'de> for EventNames {
    type Value = Vec<VisualEvent>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"motion-onsets\", \"flashes\", \"cuts\", or a list of these")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let place = NAMES.iter().position(|known| *known == name);
        place.map(|place| vec![EVENTS[place]]).ok_or_else(|| E::unknown_variant(name, &NAMES))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = list.next_element::<String>()? {
            all.extend(EventNames.visit_str::<A::Error>(&name)?);
        }
        Ok(all)
    }
}
