//! The record that says what was let go: every row of it that an earlier record holds is gone.

use iobeam_model::{NamespaceName, ProjectId};

/// A table, or all tables of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The project.
    pub(crate) project: ProjectId,
    /// The namespace; `None`: all of them.
    pub(crate) namespace: Option<NamespaceName>,
}

/// The layout below.
const VERSION: u8 = 1;

impl Gone {
    /// Whether a table is meant.
    pub(crate) fn means(&self, project: ProjectId, namespace: &NamespaceName) -> bool {
        let this = self.namespace.as_ref().is_none_or(|name| name == namespace);
        self.project == project && this
    }

    /// As bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let name = self.namespace.as_ref().map_or("", |name| name.as_str());
        let mut bytes = vec![VERSION];
        bytes.extend(self.project.get().to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes
    }

    /// Reads it back.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let (&version, bytes) = bytes.split_first().ok_or("it is empty")?;
        if version != VERSION {
            return Err(format!("its layout has version {version}, and only {VERSION} is known"));
        }
        let (project, name) = bytes.split_first_chunk().ok_or("it ends too early")?;
        let project = ProjectId::new(u32::from_le_bytes(*project)).ok_or("it names project 0")?;
        let name = std::str::from_utf8(name).map_err(|error| error.to_string())?;
        let namespace = match name {
            "" => None,
            name => Some(name.parse().map_err(|error| format!("its namespace: {error}"))?),
        };
        Ok(Self { project, namespace })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_it_was_written_and_a_strange_one_not_at_all() {
        let project = ProjectId::new(7).expect("positive");
        for namespace in [None, Some("weather".parse().expect("a name"))] {
            let gone = Gone { project, namespace };
            assert_eq!(Gone::read(&gone.write()), Ok(gone));
        }
        for bytes in
            [&b""[..], &[2, 1, 0, 0, 0], &[1, 1, 0], &[1, 0, 0, 0, 0], &[1, 1, 0, 0, 0, b'/']]
        {
            assert!(Gone::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
