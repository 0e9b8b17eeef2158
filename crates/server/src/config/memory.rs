//! How the memory that is allowed is divided.

use super::Config;

/// Bytes for each part; together they are the memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Readings that no file holds yet, queries and merges, which share it.
    pub store: usize,
    /// The most that queries take of that.
    pub queries: usize,
    /// Bodies that are being received.
    pub bodies: usize,
    /// Last rows that are kept.
    pub last_rows: usize,
    /// Feet of Parquet files that are kept.
    pub metadata: usize,
    /// Rows that are kept for whoever asks again.
    pub recent_rows: usize,
    /// Rows that are kept for whoever follows them.
    pub live: usize,
}

impl Config {
    /// Divides the memory limit.
    pub fn memory(&self) -> Memory {
        let all = self.memory_limit;
        let last_rows = self.last_rows_memory.unwrap_or(all / 8).min(all / 4);
        // The largest body that is allowed should find room, in a small limit as well.
        let bodies = (all / 8).max(self.body_limit).min(all / 4);
        let metadata = all / 16;
        let recent_rows = (self.recent_rows_memory as usize).min(all / 16);
        let live = self.live_memory.min(all / 16);
        let store = all - bodies - last_rows - metadata - recent_rows - live;
        let queries = self.query_memory.unwrap_or(all / 2).min(store);
        Memory { store, queries, bodies, last_rows, metadata, recent_rows, live }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let flags: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::load(&flags, [], None).expect("sound").0
    }

    #[test]
    fn the_parts_are_the_whole_and_the_store_has_the_most() {
        for settings in [
            &[][..],
            &[("memory-limit", "16MiB"), ("body-limit", "1GiB")],
            &[("memory-limit", "64MiB"), ("last-rows-memory", "1GiB"), ("query-memory", "1GiB")],
        ] {
            let config = config(settings);
            let whole = config.memory();
            let Memory { store, queries, bodies, last_rows, metadata, recent_rows, live } = whole;
            let parts = store + bodies + last_rows + metadata + recent_rows + live;
            assert_eq!(parts, config.memory_limit);
            assert!(store >= bodies && store >= last_rows && store >= queries, "{whole:?}");
        }
    }

    #[test]
    fn the_largest_body_allowed_finds_room_and_queries_take_what_they_may() {
        let whole = config(&[("memory-limit", "128MiB"), ("query-memory", "10MiB")]).memory();
        assert_eq!((whole.bodies, whole.queries), (32 << 20, 10 << 20));
        assert_eq!(config(&[("last-rows-memory", "0")]).memory().last_rows, 0);
    }
}
