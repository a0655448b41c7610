//! The footage of a training: corpora, single shards, films and folders of films, in any combination.

use crate::cache;
use crate::context::{self, Context};
use crate::folders::{FoundFile, find_files};
use crate::prepare::prepare_found;
use crate::report::Failure;
use crate::train::args::TrainArgs;
use crate::train::held_out;
use kinophone::Result;
use kinophone::dataset::{self, Corpus, Shard};
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// The arguments by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Footage {
    corpora: Vec<PathBuf>,
    shards: Vec<PathBuf>,
    films: Vec<PathBuf>,
    /// Folders without shards: of films.
    folders: Vec<PathBuf>,
}

impl Footage {
    /// Sorts the arguments: a folder with shards is a corpus, another one holds films, a `.safetensors` file is a shard, any other file a
    /// film. Fails where one does not exist.
    pub fn of(arguments: &[PathBuf]) -> Result<Self> {
        let mut footage = Self::default();
        for path in arguments {
            let kind = if context::metadata(path)?.is_dir() {
                if dataset::holds_shards(path)? { &mut footage.corpora } else { &mut footage.folders }
            } else if is_shard(path) {
                &mut footage.shards
            } else {
                &mut footage.films
            };
            kind.push(path.clone());
        }
        Ok(footage)
    }

    /// Opens all of it as one corpus; films are prepared into the cache first.
    pub fn open(&self, args: &TrainArgs, context: &Context) -> Result<Corpus, Failure> {
        let mut shards = Vec::new();
        for folder in &self.corpora {
            let (corpus, damaged) = Corpus::open(folder, args.skip_damaged, context.task().cancel)?;
            damaged
                .iter()
                .for_each(|file| context.warn(&format!("{} is damaged and left out", file.display())));
            shards.extend(corpus.shards);
        }
        for file in &self.shards {
            shards.push(Shard::open(file)?);
        }
        let films = find_files(&self.named(), context)?;
        check_held_out(args, &shards, &films)?;
        for file in self.prepare(&films, args, context)? {
            shards.push(Shard::open(&file)?);
        }
        Ok(Corpus { shards: without_duplicates(shards, context) })
    }

    /// Films and folders of films, as they were named.
    fn named(&self) -> Vec<PathBuf> {
        self.films.iter().chain(&self.folders).cloned().collect()
    }

    fn prepare(&self, films: &[FoundFile], args: &TrainArgs, context: &Context) -> Result<Vec<PathBuf>> {
        let named = self.named();
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let (ffmpeg, cache) = (context.ffmpeg()?, cache::films()?);
        let prepared = prepare_found(&ffmpeg, films, &named, &cache, &args.prepare_options(), context);
        let prepared = prepared.map_err(cache::explained)?;
        Ok(prepared.into_iter().map(|p| p.shard).collect())
    }
}

/// Fails on names of films to hold out that mean none or all, before the films are prepared, which takes a while.
fn check_held_out(args: &TrainArgs, shards: &[Shard], films: &[FoundFile]) -> Result<(), Failure> {
    let film = |film: &FoundFile| film.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let films: Vec<String> = films.iter().map(film).collect();
    let prepared = shards.iter().map(|shard| &shard.source().name[..]);
    held_out::check(
        args.held_out_films(),
        &prepared.chain(films.iter().map(|name| &name[..])).collect::<Vec<_>>(),
    )
}

/// Sorts the shards by their films' hashes, whatever the order of the arguments, so that every machine trains
/// alike. A film that was named several times counts once, by its richest shard, from which any brain's
/// pictures can be made.
fn without_duplicates(mut shards: Vec<Shard>, context: &Context) -> Vec<Shard> {
    shards.sort_by_cached_key(|s| (s.source().blake3.clone(), Reverse((s.colour(), s.size()))));
    shards.dedup_by(|later, first| {
        let same = later.source().blake3 == first.source().blake3;
        if same {
            context.warn(&format!("{} is named twice and counts once", later.source().name));
        }
        same
    });
    shards
}

fn is_shard(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone::Kind;

    #[test]
    fn arguments_are_sorted_by_what_they_are() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for folder in ["corpus.mp4", "films"] {
            std::fs::create_dir(path(folder)).unwrap();
        }
        std::fs::write(path("corpus.mp4/a.safetensors"), "x").unwrap();
        std::fs::write(path("a.mp4"), "x").unwrap();
        std::fs::write(path("b.safetensors"), "x").unwrap();
        let names = ["a.mp4", "corpus.mp4", "b.safetensors", "films"].map(path);
        let footage = Footage::of(&names).unwrap();
        assert_eq!(footage.films, [path("a.mp4")]);
        assert_eq!(footage.corpora, [path("corpus.mp4")]);
        assert_eq!(footage.shards, [path("b.safetensors")]);
        assert_eq!(footage.folders, [path("films")]);
        assert_eq!(Footage::of(&[path("none")]).unwrap_err().kind(), Kind::NotFound);
    }
}
