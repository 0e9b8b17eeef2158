//! What was asked for and not yet synced, and how much of it a cut leaves.

use std::path::{Path, PathBuf};

use crate::chance::Chance;

/// What a disk writes in one piece, or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) seen: Vec<u8>,
    pub(super) lasting: Vec<u8>,
    pub(super) unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// A name that goes, a name that comes, or both at once.
#[derive(Clone, Debug)]
pub(super) struct Rename {
    pub(super) from: Option<PathBuf>,
    pub(super) to: Option<(PathBuf, u64)>,
}

impl Rename {
    pub(super) fn touches(&self, dir: &Path) -> bool {
        let from = self.from.as_deref();
        let to = self.to.as_ref().map(|(path, _)| path.as_path());
        from.into_iter().chain(to).any(|path| path.parent() == Some(dir))
    }
}

impl Inode {
    pub(super) fn surviving(&self, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.lasting.clone();
        for change in &self.unsynced {
            change.land_partly(&mut bytes, chance);
        }
        bytes
    }
}

impl Change {
    pub(super) fn land(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => bytes.resize(*len, 0),
            Self::Write { offset, bytes: new } => land_range(bytes, *offset, new),
        }
    }

    pub(super) fn land_partly(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let mode = chance.below(4);
        match (self, mode) {
            (_, 0) => {}
            (Self::SetLen(_), _) | (_, 1) => self.land(bytes),
            (Self::Write { offset, bytes: new }, mode) => {
                let mut at = 0;
                while at < new.len() {
                    let stop = ((offset + at) / SECTOR + 1) * SECTOR - offset;
                    let stop = stop.min(new.len());
                    if chance.below(3) > 0 {
                        land_range(bytes, offset + at, &new[at..stop]);
                    } else if mode == 2 {
                        return;
                    }
                    at = stop;
                }
            }
        }
    }
}

fn land_range(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    if bytes.len() < offset + new.len() {
        bytes.resize(offset + new.len(), 0);
    }
    bytes[offset..offset + new.len()].copy_from_slice(new);
}
