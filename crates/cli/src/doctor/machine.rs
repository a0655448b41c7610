//! The machine: free disk space, memory, processor, sound cards.

use crate::cache;
use crate::doctor::finding::Finding;
use crate::wording::byte_size;
use kinophone::wording::count;
use std::path::{Path, PathBuf};
use sysinfo::System;

/// Free disk space below which a longer film or its scratch files may not fit: an hour of prepared film takes
/// about a gigabyte.
const LOW_DISK: u64 = 2 << 30;

/// Free disk space below which not even a short film fits.
const FULL_DISK: u64 = 100 << 20;

/// Available memory below which a training may be slow: it takes less than 1.5 GB, a rendering less than 300
/// MB.
const LOW_MEMORY: u64 = 2 << 30;

/// Checks the machine.
pub(super) fn check() -> Vec<Finding> {
    let mut findings = disks();
    findings.extend([memory(), processor(), sound_cards()]);
    findings
}

fn disks() -> Vec<Finding> {
    let here = free_space("disk here", Path::new("."));
    match cache::films() {
        Ok(folder) => vec![here, free_space("film cache", &folder)],
        Err(e) => vec![
            here,
            Finding::warning("film cache", e.to_string(), e.advice().unwrap_or("set KINOPHONE_CACHE")),
        ],
    }
}

fn free_space(topic: &'static str, folder: &Path) -> Finding {
    let mut found = String::new();
    if topic == "film cache" {
        found = format!("{} ({} used), ", folder.display(), byte_size(cache::bytes_in(folder)));
    }
    let Some(free) = free_at(folder) else {
        return Finding::ok(topic, found + "free space unknown");
    };
    found += &format!("{} free", byte_size(free));
    match free {
        0..FULL_DISK => {
            Finding::problem(topic, found, "free some space; a prepared film takes about 15 MB a minute")
        }
        FULL_DISK..LOW_DISK => {
            Finding::warning(topic, found, "long films may not fit; free some space, or set KINOPHONE_CACHE")
        }
        _ => Finding::ok(topic, found),
    }
}

/// Free bytes where `folder` is or would be.
fn free_at(folder: &Path) -> Option<u64> {
    free_on_disk_of(&nearest_existing(folder)?)
}

/// Free bytes for this user on the disk that holds `existing`. The list of mounts is not asked: in a chroot it may not name
/// that disk.
#[cfg(unix)]
fn free_on_disk_of(existing: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(existing).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Free bytes on the disk with the longest mount point that leads to `existing`.
#[cfg(not(unix))]
fn free_on_disk_of(existing: &Path) -> Option<u64> {
    sysinfo::Disks::new_with_refreshed_list()
        .iter()
        .filter(|disk| existing.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().as_os_str().len())
        .map(sysinfo::Disk::available_space)
}

fn nearest_existing(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .find_map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f }.canonicalize().ok())
}

fn memory() -> Finding {
    let mut system = System::new();
    system.refresh_memory();
    let (total, free) = (system.total_memory(), system.available_memory());
    let found = format!("{}, {} available", byte_size(total), byte_size(free));
    if free < LOW_MEMORY {
        Finding::warning("memory", found, "training may be slow; close other programs")
    } else {
        Finding::ok("memory", found)
    }
}

fn processor() -> Finding {
    let cores = count(std::thread::available_parallelism().map_or(1, usize::from), "cores");
    match vector_instructions() {
        Some(instructions) => Finding::ok("processor", format!("{cores}, {instructions}")),
        None => Finding::warning(
            "processor",
            format!("{cores}, no AVX2"),
            "training is several times slower than it could be",
        ),
    }
}

/// The widest vector instructions that training can use; `None` where they are narrower than on any machine
/// since 2013.
fn vector_instructions() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            Some("AVX-512")
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            Some("AVX2")
        } else {
            None
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        Some(std::env::consts::ARCH)
    }
}

/// Linux lists its sound cards in a file; elsewhere none are looked for, because Kinophone does not play
/// sound itself.
fn sound_cards() -> Finding {
    let cards = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    let names: Vec<&str> =
        cards.lines().filter_map(|line| line.split_once("]: ").map(|(_, name)| name.trim())).collect();
    if names.is_empty() {
        Finding::ok("sound card", "none found; none is needed to prepare, train or render")
    } else {
        Finding::ok("sound card", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_found_for_folders_that_do_not_exist_yet() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(nearest_existing(&home.path().join("a/b")), home.path().canonicalize().ok());
        assert_eq!(nearest_existing(Path::new("no/such")), Path::new(".").canonicalize().ok());
        assert!(cfg!(not(unix)) || free_at(Path::new("no/such/folder")).is_some());
    }
}
