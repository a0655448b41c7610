//! Works in a file: the film, the composition and the recording are three, with rights of their own.

use crate::ledger::PartialDate;
use serde::{Deserialize, Serialize};

/// A work, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// What right protects it.
    pub right: Right,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<PartialDate>,
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PartialDate>,
    /// True where it is known that it never was published.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unpublished: bool,
    /// The country where it was first published: two letters of ISO 3166, such as `US`; `SU` for the Soviet Union.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Its creators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub creators: Vec<Creator>,
    /// True where the list of its creators is known to be whole.
    #[serde(default, skip_serializing_if = "is_false")]
    pub creators_complete: bool,
    /// Whether its copyright was renewed in the United States in its 28th year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed: Option<bool>,
    /// Whether its first publication in the United States bore a copyright notice; asked until 1989.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<bool>,
    /// Whether its copyright was restored in the United States on 1996-01-01, as that of foreign works which were still protected at
    /// home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<bool>,
    /// Whether it was made for hire, as most films of studios are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_hire: Option<bool>,
    /// Of a film: whether what it shows has a dramatic character, as that of most fiction has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dramatic: Option<bool>,
    /// Licence of this work where it differs from its file's: an SPDX expression, or words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What somebody says of its being free, country by country.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub free: Vec<FreeStatement>,
}

impl Work {
    /// Both as one where they may be the same work: of the same right, with a creator or a title in common where both name some, and
    /// nothing of either contradicts the other.
    pub fn joined(&self, other: &Self) -> Option<Self> {
        let mut creators = self.creators.clone();
        for creator in &other.creators {
            let same = |own: &&mut Creator| own.name == creator.name && own.role == creator.role;
            match creators.iter_mut().find(same) {
                Some(own) => *own = own.joined(creator)?,
                None => creators.push(creator.clone()),
            }
        }
        let shared = self.creators.len() + other.creators.len() > creators.len();
        let strangers = !shared && !self.creators.is_empty() && !other.creators.is_empty();
        let entitled = self.title.is_some() && self.title == other.title;
        let more = other.free.iter().filter(|statement| !self.free.contains(statement));
        // A list that is whole has room for no others.
        let closed = |work: &Self| work.creators_complete && creators.len() > work.creators.len();
        let published = self.published.is_some() || other.published.is_some();
        let both = published && (self.unpublished || other.unpublished);
        if both || strangers && !entitled || self.right != other.right || closed(self) || closed(other) {
            return None;
        }
        Some(Self {
            right: self.right,
            title: agreed(&self.title, &other.title)?,
            made: agreed(&self.made, &other.made)?,
            published: agreed(&self.published, &other.published)?,
            unpublished: self.unpublished || other.unpublished,
            country: agreed(&self.country, &other.country)?,
            creators_complete: self.creators_complete || other.creators_complete,
            renewed: agreed(&self.renewed, &other.renewed)?,
            notice: agreed(&self.notice, &other.notice)?,
            restored: agreed(&self.restored, &other.restored)?,
            for_hire: agreed(&self.for_hire, &other.for_hire)?,
            dramatic: agreed(&self.dramatic, &other.dramatic)?,
            licence: agreed(&self.licence, &other.licence)?,
            free: self.free.iter().chain(more).cloned().collect(),
            creators,
        })
    }
}

impl Creator {
    fn joined(&self, other: &Self) -> Option<Self> {
        let died = agreed(&self.died, &other.died)?;
        let living = self.living || other.living;
        let nationality = agreed(&self.nationality, &other.nationality)?;
        (died.is_none() || !living).then(|| Self { died, living, nationality, ..self.clone() })
    }
}

/// What is known by either; `None` where they contradict each other.
fn agreed<T: Clone + PartialEq>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => None,
        _ => Some(one.clone().or_else(|| other.clone())),
    }
}

/// A right that lies on what a film shows or plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// The film as a work.
    #[default]
    Film,
    /// The music as it is written, with its words.
    Composition,
    /// The recorded sound.
    Recording,
}

impl Right {
    /// As it is written in a ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Film => "film",
            Self::Composition => "composition",
            Self::Recording => "recording",
        }
    }
}

/// Somebody who made a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creator {
    /// Name.
    pub name: String,
    /// Part in the work.
    pub role: Role,
    /// Date of death. Absent where it is unknown, or nobody died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<PartialDate>,
    /// True where it is known that the person lives.
    #[serde(default, skip_serializing_if = "is_false")]
    pub living: bool,
    /// The country whose national the person is or was: two letters of ISO 3166.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nationality: Option<String>,
}

/// A creator's part in a work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Directed the film.
    Director,
    /// Wrote the screenplay.
    Screenplay,
    /// Wrote the dialogue.
    Dialogue,
    /// Composed the music; of a film, for it.
    Composer,
    /// Wrote the words, or the work that it is adapted from.
    Author,
    /// Played, sang or spoke.
    Performer,
    /// Produced the film or the recording.
    Producer,
    /// Photographed the film.
    Camera,
    /// Animated the film.
    Animator,
    /// Another part.
    Other,
}

/// Somebody's statement that a work is free in a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeStatement {
    /// Two letters of ISO 3166, or `EU`.
    pub country: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<PartialDate>,
    /// By what rule, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_by: Option<String>,
}

fn is_false(x: &bool) -> bool {
    !x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(json: &str) -> Work {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn works_become_one_where_nothing_contradicts() {
        let one = work(r#"{"right":"film","title":"A","creators":[{"name":"B","role":"director"}]}"#);
        let other = work(
            r#"{"right":"film","published":"1925","creators":[{"name":"B","role":"director","died":"1948"},{"name":"C","role":"composer"}]}"#,
        );
        let joined = one.joined(&other).unwrap();
        let creators = r#"[{"name":"B","role":"director","died":"1948"},{"name":"C","role":"composer"}]"#;
        assert_eq!(
            joined,
            work(&format!(r#"{{"right":"film","title":"A","published":"1925","creators":{creators}}}"#))
        );
        for contradicting in [
            r#"{"right":"recording"}"#,
            r#"{"right":"film","title":"Z"}"#,
            r#"{"right":"film","published":"1926"}"#,
            r#"{"right":"film","unpublished":true}"#,
            r#"{"right":"film","creators":[{"name":"D","role":"director"}]}"#,
            r#"{"right":"film","creators_complete":true}"#,
            r#"{"right":"film","creators":[{"name":"B","role":"director","living":true}]}"#,
        ] {
            assert_eq!(joined.joined(&work(contradicting)), None, "{contradicting}");
            assert_eq!(work(contradicting).joined(&joined), None, "{contradicting}");
        }
        assert_eq!(joined.joined(&Work::default()).as_ref(), Some(&joined));
    }

    #[test]
    fn facts_that_are_absent_stay_absent() {
        let work = Work { unpublished: true, notice: Some(false), restored: Some(true), ..Work::default() };
        let json = serde_json::to_string(&work).unwrap();
        assert_eq!(json, r#"{"right":"film","unpublished":true,"notice":false,"restored":true}"#);
        assert_eq!(serde_json::from_str::<Work>(&json).unwrap(), work);
        let creator = r#"{"name":"A","role":"composer","nationality":"DE"}"#;
        let read: Creator = serde_json::from_str(creator).unwrap();
        assert_eq!((read.nationality.as_deref(), read.living), (Some("DE"), false));
        assert_eq!(serde_json::to_string(&read).unwrap(), creator);
        assert_eq!(serde_json::from_str::<Work>(r#"{"right":"recording"}"#).unwrap().for_hire, None);
    }
}
