//! An open file of the disk that fails.

use std::io;

use iobeam_journal::DiskFile;

use super::pending::Change;
use super::{Fault, FaultyDisk, Operation, State};

#[derive(Debug)]
pub(super) struct FaultyFile {
    pub(super) disk: FaultyDisk,
    pub(super) inode: u64,
}

impl FaultyFile {
    /// Lets as much of a change happen as fits, and says whether that was all of it.
    fn change(&self, state: &mut State, end: usize, change: Change) -> io::Result<()> {
        let length = state.inode(self.inode).seen.len();
        let more = end.saturating_sub(length);
        let fits = state.fitting(more);
        let change = match change {
            Change::Write { offset, mut bytes } if fits < more => {
                bytes.truncate((length + fits).saturating_sub(offset));
                Change::Write { offset, bytes }
            }
            Change::SetLen(_) if fits < more => return Err(Fault::NoSpace.error()),
            change => change,
        };
        let inode = state.inode(self.inode);
        change.land(&mut inode.seen);
        inode.unsynced.push(change);
        if fits < more { Err(Fault::NoSpace.error()) } else { Ok(()) }
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.begin(Operation::Read)?;
        let bytes = &state.inode(self.inode).seen;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let offset = offset as usize;
        if let Err(error) = state.begin(Operation::Write) {
            if !state.dead {
                // Some of it got there.
                let part = state.chance.below(bytes.len() as u64 + 1) as usize;
                let bytes = bytes[..part].to_vec();
                let _ = self.change(&mut state, offset + part, Change::Write { offset, bytes });
            }
            return Err(error);
        }
        let change = Change::Write { offset, bytes: bytes.to_vec() };
        self.change(&mut state, offset + bytes.len(), change)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let result = state.begin(Operation::Sync);
        if state.dead {
            return result;
        }
        let mut chance = state.chance.fork();
        let inode = state.inode(self.inode);
        for change in std::mem::take(&mut inode.unsynced) {
            match result {
                Ok(()) => change.land(&mut inode.lasting),
                Err(_) => change.land_partly(&mut inode.lasting, &mut chance),
            }
        }
        result
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.begin(Operation::SetLen)?;
        self.change(&mut state, len as usize, Change::SetLen(len as usize))
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.begin(Operation::Preallocate)?;
        if state.inode(self.inode).seen.len() as u64 >= len {
            return Ok(());
        }
        self.change(&mut state, len as usize, Change::SetLen(len as usize))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().inode(self.inode).seen.len() as u64)
    }

    fn drop_cache(&self) {
        let mut state = self.disk.state();
        let inode = state.inode(self.inode);
        if inode.unsynced.is_empty() {
            inode.seen = inode.lasting.clone();
        }
    }
}
