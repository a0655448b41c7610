//! Named tensors with a JSON description in one checked file: the form of brains and of checkpoints.
//!
//! The file is a safetensors file whose metadata has one key, `kinophone`, with a JSON object. Its first member is
//! `checksum`: BLAKE3 of the JSON text with the checksum's own 64 digits set to 0, followed by name, shape and bytes
//! of every tensor in the order of their names. So nothing in the file can change unnoticed, and equal content gives
//! equal bytes.

use crate::file_kind::FileKind;
use crate::storage::{self, Overwrite};
use crate::{Error, Kind, Result};
use kinophone_nn::tensors::{Tensor, Tensors, Values};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const KEY: &str = "kinophone";
const START: &str = "{\"checksum\":\"";
const DIGITS: usize = 64;
/// Headers beyond this are no honest description; ours have a few kilobytes, and some hundred for a ledger of a
/// thousand films.
const MAX_HEADER: u64 = 64 << 20;

/// Form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A brain of one network, picture to samples.
    Brain,
    /// A brain of several networks with memory.
    Ensemble,
    /// The state of a training run.
    Checkpoint,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Brain | Self::Ensemble => "brain",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// The newest version of the format that this program reads, and the one it writes.
    fn version(self) -> u64 {
        1
    }
}

#[derive(Serialize)]
struct Description<'a, T> {
    checksum: &'a str,
    format: Form,
    version: u64,
    program: &'a str,
    #[serde(flatten)]
    content: &'a T,
}

#[derive(serde::Deserialize)]
struct Envelope {
    format: Form,
    version: u64,
}

fn dtype(values: &Values) -> Dtype {
    match values {
        Values::Floats(_) => Dtype::F32,
        Values::Bytes(_) => Dtype::U8,
        Values::Number(_) => Dtype::U64,
    }
}

fn hash(text: &str, tensors: &Tensors) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    for (name, tensor) in tensors.iter() {
        hasher.update(name.as_bytes()).update(&[0]);
        for &size in &tensor.shape {
            hasher.update(&(size as u64).to_le_bytes());
        }
        hasher.update_rayon(tensor.values.bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The JSON text of a file, checksum included, and that checksum.
pub fn describe<T: Serialize>(form: Form, content: &T, tensors: &Tensors) -> (String, String) {
    let description = Description {
        checksum: &"0".repeat(DIGITS),
        format: form,
        version: form.version(),
        program: env!("CARGO_PKG_VERSION"),
        content,
    };
    let mut text = serde_json::to_string(&description).expect("descriptions are plain data with text keys");
    let checksum = hash(&text, tensors);
    text.replace_range(START.len()..START.len() + DIGITS, &checksum);
    (text, checksum)
}

/// Writes the file atomically, and says its checksum.
pub fn write<T: Serialize>(
    path: &Path,
    overwrite: Overwrite,
    form: Form,
    content: &T,
    tensors: &Tensors,
) -> Result<String> {
    let (text, checksum) = describe(form, content, tensors);
    let views = tensors.iter().map(|(name, tensor)| {
        let view = TensorView::new(dtype(&tensor.values), tensor.shape.clone(), tensor.values.bytes());
        (name, view.expect("a tensor's bytes fit its shape"))
    });
    let metadata = HashMap::from([(KEY.to_owned(), text)]);
    let bytes = safetensors::serialize(views, Some(metadata))
        .map_err(|e| Error::new(Kind::Io, format!("could not be laid out: {e}")).at(path))?;
    storage::write_atomically(path, overwrite, &bytes)?;
    Ok(checksum)
}

/// A file as read.
pub struct Contents<T> {
    /// The description.
    pub content: T,
    /// 64 hexadecimal digits.
    pub checksum: String,
    /// The tensors.
    pub tensors: Tensors,
}

/// A file as read, before its description is understood.
pub struct Raw {
    /// Which of the forms asked for it has.
    pub form: Form,
    text: String,
    checksum: String,
    tensors: Tensors,
}

impl Raw {
    /// Understands the description.
    pub fn contents<T: DeserializeOwned>(self) -> Result<Contents<T>> {
        let content = serde_json::from_str(&self.text)
            .map_err(|e| damaged(format!("has a description that can't be read ({e})")).because(e))?;
        Ok(Contents { content, checksum: self.checksum, tensors: self.tensors })
    }
}

/// Reads and checks a file of one of those forms: structure, version, checksum.
pub fn open(path: &Path, forms: &[Form]) -> Result<Raw> {
    let bytes = read_bytes(path, forms[0]).map_err(|e| e.at(path))?;
    unpack(&bytes, forms).map_err(|e| e.at(path))
}

/// Reads and checks a file of that form.
pub fn read<T: DeserializeOwned>(path: &Path, form: Form) -> Result<Contents<T>> {
    open(path, &[form])?.contents().map_err(|e| e.at(path))
}

/// As [`read`], from memory.
#[cfg(test)]
pub fn parse<T: DeserializeOwned>(bytes: &[u8], form: Form) -> Result<Contents<T>> {
    unpack(bytes, &[form])?.contents()
}

fn unpack(bytes: &[u8], forms: &[Form]) -> Result<Raw> {
    let form = forms[0];
    let cut = |e: safetensors::SafeTensorError| {
        Error::new(Kind::Damaged, format!("is damaged or truncated ({e})"))
            .help("make or copy the file again")
            .because(e)
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(cut)?;
    let file = SafeTensors::deserialize(bytes).map_err(cut)?;
    let text = header.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text.ok_or_else(|| stranger(&file.names(), form))?;
    let form = check_form(text, &file.names(), forms)?;
    let tensors =
        file.iter().map(|(name, view)| Ok((name.to_owned(), tensor(name, &view)?))).collect::<Result<_>>()?;
    let checksum = check_sum(text, &tensors)?;
    Ok(Raw { form, text: text.to_owned(), checksum, tensors })
}

fn check_form(text: &str, names: &[&str], forms: &[Form]) -> Result<Form> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|_| stranger(names, forms[0]))?;
    let form = envelope.format;
    if !forms.contains(&form) {
        return Err(Error::new(Kind::WrongKind, format!("is a {}, not a {}", form.name(), forms[0].name()))
            .help(advice(forms[0])));
    }
    if envelope.version > form.version() {
        let what = format!(
            "was made by a newer Kinophone (format {}; this one reads up to {})",
            envelope.version,
            form.version()
        );
        return Err(Error::new(Kind::WrongKind, what).help("update Kinophone"));
    }
    Ok(form)
}

fn check_sum(text: &str, tensors: &Tensors) -> Result<String> {
    let digits = START.len()..START.len() + DIGITS;
    let said = text.get(digits.clone()).filter(|_| text.starts_with(START));
    let said = said.ok_or_else(|| damaged("has no checksum"))?.to_owned();
    let mut text = text.to_owned();
    text.replace_range(digits, &"0".repeat(DIGITS));
    if hash(&text, tensors) == said || cfg!(feature = "fuzzing") {
        Ok(said)
    } else {
        Err(damaged("has a wrong checksum: its content was changed"))
    }
}

fn tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor> {
    let bytes = view.data();
    let values = match view.dtype() {
        Dtype::F32 => Values::Floats(bytemuck::pod_collect_to_vec(bytes)),
        Dtype::U8 => Values::Bytes(bytes.to_vec()),
        Dtype::U64 if bytes.len() == 8 => Values::Number(bytemuck::pod_read_unaligned(bytes)),
        other => return Err(damaged(format!("has '{name}' as {other:?}"))),
    };
    Ok(Tensor { shape: view.shape().to_vec(), values })
}

/// The whole file, once its beginning looks like a safetensors file: a film of some gigabytes is refused after eight
/// bytes.
fn read_bytes(path: &Path, form: Form) -> Result<Vec<u8>> {
    let mut file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let meta = file.metadata().map_err(|e| Error::io("read", path, e))?;
    if meta.is_dir() {
        return Err(no_match(path, form));
    }
    if meta.len() == 0 {
        return Err(Error::new(Kind::Damaged, "is empty"));
    }
    let mut start = [0; 9];
    file.read_exact(&mut start).map_err(|e| no_match(path, form).because(e))?;
    let header = u64::from_le_bytes(start[..8].try_into().expect("eight bytes"));
    if header > MAX_HEADER || start[8] != b'{' {
        return Err(no_match(path, form));
    }
    let mut bytes = start.to_vec();
    file.read_to_end(&mut bytes).map_err(|e| Error::io("read", path, e))?;
    Ok(bytes)
}

fn no_match(path: &Path, form: Form) -> Error {
    let kind = FileKind::of(path);
    let what = match kind.name() {
        Some(name) if name.ends_with(form.name()) => format!("is a damaged {}", form.name()),
        Some(name) => format!("is {name}, not a {}", form.name()),
        None => format!("is not a {}", form.name()),
    };
    let help = match kind {
        FileKind::Media => {
            "name a file that 'kinophone train' has made; where a film is named too, the brain comes first"
        }
        _ => advice(form),
    };
    Error::new(Kind::WrongKind, what).help(help)
}

/// A safetensors file, but not one of this form.
fn stranger(names: &[&str], form: Form) -> Error {
    let what = if names.contains(&"pictures") && names.contains(&"times_us") {
        format!("is a corpus shard, not a {}", form.name())
    } else {
        format!("is a safetensors file, but not a {} of Kinophone", form.name())
    };
    Error::new(Kind::WrongKind, what).help(advice(form))
}

fn advice(form: Form) -> &'static str {
    match form {
        Form::Brain | Form::Ensemble => "name a file that 'kinophone train' has made",
        Form::Checkpoint => "remove the file",
    }
}

fn damaged(what: impl Into<String>) -> Error {
    kinophone_nn::Error::Damaged(what.into()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use serde_json::json;

    fn sample() -> Tensors {
        let mut tensors = Tensors::default();
        tensors.put("b", &[2, 1], vec![1.0, 2.0]);
        tensors.put_number("a", 7);
        tensors.put_bytes("c", vec![1, 2, 3]);
        tensors
    }

    #[test]
    fn what_is_written_is_read_and_the_same_content_gives_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        let sum = write(&one, Overwrite::Refuse, Form::Brain, &json!({"x": 0.1}), &sample()).unwrap();
        write(&two, Overwrite::Refuse, Form::Brain, &json!({"x": 0.1}), &sample()).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        let back: Contents<Value> = read(&one, Form::Brain).unwrap();
        assert_eq!((back.tensors, back.checksum, &back.content["x"]), (sample(), sum, &json!(0.1)));
        let wrong = read::<Value>(&one, Form::Checkpoint).err().unwrap();
        assert_eq!(
            (wrong.kind(), wrong.to_string().ends_with("is a brain, not a checkpoint")),
            (Kind::WrongKind, true)
        );
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("1");
        write(&path, Overwrite::Refuse, Form::Brain, &json!({"word": "text"}), &sample()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let good: Contents<Value> = parse(&bytes, Form::Brain).unwrap();
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            // Blanks between the JSON's tokens and the end of the header carry nothing.
            if let Ok(read) = parse::<Value>(&changed, Form::Brain) {
                assert_eq!(
                    (read.content, read.tensors),
                    (good.content.clone(), good.tensors.clone()),
                    "byte {i}"
                );
            }
        }
        for length in 0..bytes.len() {
            assert!(parse::<Value>(&bytes[..length], Form::Brain).is_err(), "{length}");
        }
    }
}
