//! The error type of the library: what went wrong, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Kind of an error; programs decide by it, people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing exists under that name.
    NotFound,
    /// The file exists but is not of the required kind: a folder, a text, a playlist, an image where a film
    /// is wanted.
    WrongKind,
    /// A film without a picture stream that decodes.
    NoPicture,
    /// A film without the sound that the task needs.
    NoSound,
    /// A film, corpus or set of examples with nothing in it.
    Empty,
    /// A file of ours, or one to be imported, that is truncated, has a wrong checksum or impossible values.
    Damaged,
    /// The output exists already.
    Exists,
    /// The output can't be written: permissions, a missing folder, the same file as the input.
    Unwritable,
    /// No room left on the disk.
    DiskFull,
    /// ffmpeg is missing, too old, or failed.
    Tool,
    /// ffmpeg made no progress and was stopped.
    Stalled,
    /// Options or settings that do not go together.
    Invalid,
    /// The user pressed Ctrl-C, or the program was asked to end.
    Interrupted,
    /// Training produced numbers that are not finite.
    Diverged,
    /// Anything else that the operating system refused.
    Io,
}

/// An error: what happened, where, and what to do. `Display` is one sentence that names the file;
/// [`Error::help`] is the advice.
#[derive(Debug)]
pub struct Error(Box<Details>);

#[derive(Debug)]
struct Details {
    kind: Kind,
    what: String,
    place: Option<PathBuf>,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Shorthand for results of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error; `what` is a clause without the file's name and without a full stop: "has no
    /// picture".
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Details { kind, what: what.into(), place: None, help: None, source: None }))
    }

    /// Names the file or folder concerned.
    pub fn at(mut self, place: impl AsRef<Path>) -> Self {
        self.0.place = Some(place.as_ref().to_owned());
        self
    }

    /// Adds advice to the user.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Keeps the cause.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Names the file or folder concerned, unless one is named already.
    pub fn or_at(self, place: impl AsRef<Path>) -> Self {
        if self.0.place.is_some() { self } else { self.at(place) }
    }

    /// Makes an error from an operating-system error at `place`; `doing` completes "could not be …": "read",
    /// "written".
    pub fn io(doing: &str, place: impl AsRef<Path>, cause: std::io::Error) -> Self {
        use std::io::ErrorKind as E;
        let place = place.as_ref();
        let reads = ["read", "found", "decoded", "waited for"].iter().any(|word| doing.starts_with(word));
        let error = match cause.kind() {
            E::NotFound => Self::new(Kind::NotFound, "does not exist").help(missing(place)),
            E::PermissionDenied if doing == "read" => {
                Self::new(Kind::Io, "could not be read: permission denied").help("change its permissions")
            }
            E::PermissionDenied if reads => {
                Self::new(Kind::Io, format!("could not be {doing}: permission denied"))
                    .help("change its permissions, or those of its folder")
            }
            E::PermissionDenied | E::ReadOnlyFilesystem => {
                Self::new(Kind::Unwritable, format!("could not be {doing}: permission denied"))
                    .help("choose a place that you may write to, or change the permissions")
            }
            E::StorageFull | E::QuotaExceeded => {
                Self::new(Kind::DiskFull, format!("could not be {doing}: the disk is full"))
                    .help("free some space or choose another disk; no incomplete file was left behind")
            }
            E::IsADirectory => Self::new(Kind::WrongKind, "is a folder, not a file").help("name a file"),
            _ => Self::new(Kind::Io, format!("could not be {doing}: {}", reason(&cause)))
                .help(io_advice(&cause, reads)),
        };
        error.at(place).because(cause)
    }

    /// The error of a cancelled job.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// The error of a training with numbers that are not finite; `what` completes "the brain …".
    pub fn diverged(what: &str) -> Self {
        Self::new(Kind::Diverged, format!("the training diverged: the brain {what}"))
            .help("try a smaller step size, a third of the present --lr, or the optimizer adam")
    }

    /// Kind of the error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Advice to the user.
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The file or folder concerned.
    pub fn place(&self) -> Option<&Path> {
        self.0.place.as_deref()
    }
}

/// The words of the operating system, without its number: "Input/output error".
pub(crate) fn reason(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

/// Advice for an error of the operating system that has no sentence of its own.
fn io_advice(cause: &std::io::Error, reads: bool) -> &'static str {
    use std::io::ErrorKind as E;
    /// EMFILE and ENFILE, which have no kind in the standard library.
    const TOO_MANY_FILES: [Option<i32>; 2] = [Some(24), Some(23)];
    match cause.kind() {
        _ if cfg!(unix) && TOO_MANY_FILES.contains(&cause.raw_os_error()) => {
            "this shell allows too few open files: raise the limit, for example with ulimit -n 4096"
        }
        E::InvalidFilename => "give a shorter name",
        E::NotADirectory => "check the name: a part of it before the last is a file",
        E::FileTooLarge => "choose a disk that takes larger files, or raise the limit (ulimit -f)",
        E::OutOfMemory => "close other programs, and try again",
        _ if reads => {
            "is the disk or network folder still there, and the file whole? check that, and try again"
        }
        _ => "is the disk or network folder still there? check that, and try again",
    }
}

/// Advice where nothing exists under a name: it may be ffmpeg's pattern for the names of many pictures.
fn missing(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let digits = name.split('%').nth(1).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    if digits.is_some_and(|rest| rest.starts_with('d')) {
        return format!(
            "make a film of the pictures first: ffmpeg -framerate 25 -i {name} -pix_fmt yuv420p film.mkv"
        );
    }
    "check the name and the folder".to_owned()
}

impl From<kinophone_nn::Error> for Error {
    fn from(error: kinophone_nn::Error) -> Self {
        use kinophone_nn::Error as E;
        let what = error.to_string();
        match error {
            E::Damaged(_) => Self::new(Kind::Damaged, what).help("make or copy the file again"),
            E::Invalid(_) => Self::new(Kind::Invalid, what),
            E::Diverged => Self::new(Kind::Diverged, what),
            E::Device(_) => {
                Self::new(Kind::Invalid, what).help("check the driver, or train with --device cpu")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.place {
            Some(place) => write!(f, "{} {}", place.display(), self.0.what),
            None => f.write_str(&self.0.what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|s| &**s as _)
    }
}
