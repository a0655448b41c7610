//! The machine: room on its disks, memory, processor, loudspeakers.

use crate::cache;
use crate::doctor::Finding;
use std::path::{Path, PathBuf};
use sysinfo::{Disks, System};

/// Below this a longer film or its scratch sound may not fit: an hour of prepared film takes about a gigabyte.
const LITTLE_ROOM: u64 = 2 << 30;

/// Below this not even a short one does.
const NO_ROOM: u64 = 100 << 20;

/// Training keeps below 1.5 GB, rendering below 300 MB.
const LITTLE_MEMORY: u64 = 2 << 30;

/// Everything about the machine.
pub(super) fn look() -> Vec<Finding> {
    let mut findings = disks();
    findings.extend([memory(), processor(), loudspeakers()]);
    findings
}

fn disks() -> Vec<Finding> {
    let disks = Disks::new_with_refreshed_list();
    let here = room(&disks, "disk here", Path::new("."));
    match cache::films() {
        Ok(folder) => vec![here, room(&disks, "film cache", &folder)],
        Err(e) => vec![
            here,
            Finding::warning("film cache", e.to_string(), e.advice().unwrap_or("set KINOPHONE_CACHE")),
        ],
    }
}

fn room(disks: &Disks, topic: &'static str, folder: &Path) -> Finding {
    let mut found = String::new();
    if topic == "film cache" {
        found = format!("{} ({} used), ", folder.display(), size(cache::bytes_in(folder)));
    }
    let Some(free) = free_at(disks, folder) else {
        return Finding::ok(topic, found + "free room unknown");
    };
    found += &format!("{} free", size(free));
    match free {
        0..NO_ROOM => Finding::problem(topic, found, "make room; a prepared film takes about 15 MB a minute"),
        NO_ROOM..LITTLE_ROOM => {
            Finding::warning(topic, found, "long films may not fit; make room, or set KINOPHONE_CACHE")
        }
        _ => Finding::ok(topic, found),
    }
}

/// Free bytes where `folder` is or would be: on the disk with the longest mount point that leads to it.
fn free_at(disks: &Disks, folder: &Path) -> Option<u64> {
    let place = nearest_existing(folder)?;
    disks
        .iter()
        .filter(|disk| place.starts_with(disk.mount_point()))
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
    let found = format!("{}, {} available", size(total), size(free));
    if free < LITTLE_MEMORY {
        Finding::warning("memory", found, "training may be slow; close other programs")
    } else {
        Finding::ok("memory", found)
    }
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    match vector_units() {
        Some(units) => Finding::ok("processor", format!("{cores}, {units}")),
        None => Finding::warning(
            "processor",
            format!("{cores}, no AVX2"),
            "training is several times slower than it could be",
        ),
    }
}

/// The widest vector instructions that training can use; `None` where they are narrower than on any machine since 2013.
fn vector_units() -> Option<&'static str> {
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

/// Linux lists its sound cards in a file; elsewhere nothing is asked, because nothing here plays sound.
fn loudspeakers() -> Finding {
    let cards = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    let names: Vec<&str> =
        cards.lines().filter_map(|line| line.split_once("]: ").map(|(_, name)| name.trim())).collect();
    if names.is_empty() {
        Finding::ok("sound card", "none found; none is needed to prepare, train or render")
    } else {
        Finding::ok("sound card", names.join(", "))
    }
}

/// Bytes for people, in decimal units as disks are sold.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_found_for_folders_that_do_not_exist_yet() {
        let disks = Disks::new_with_refreshed_list();
        let home = tempfile::tempdir().unwrap();
        assert_eq!(nearest_existing(&home.path().join("a/b")), home.path().canonicalize().ok());
        assert_eq!(nearest_existing(Path::new("no/such")), Path::new(".").canonicalize().ok());
        if !disks.is_empty() {
            assert!(free_at(&disks, Path::new("no/such/folder")).is_some());
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            [size(0), size(1), size(2_500_000), size(3_200_000_000)],
            ["0 kB", "1 kB", "2.5 MB", "3.2 GB"]
        );
    }
}
