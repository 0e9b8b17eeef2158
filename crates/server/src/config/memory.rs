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
    /// The cache of last values.
    pub last_values: usize,
    /// The cache of Parquet footers.
    pub footers: usize,
    /// The cache of decoded rows of devices.
    pub row_cache: usize,
    /// The buffer of the latest readings for subscribers.
    pub live: usize,
}

impl Config {
    /// Divides the memory limit.
    pub fn memory(&self) -> Memory {
        let all = self.memory_limit;
        let last_values = self.storage.last_value_cache_size.unwrap_or(all / 8).min(all / 4);
        // The largest body that is allowed should find room, in a small limit as well.
        let bodies = (all / 8).max(self.http.max_request_size).min(all / 4);
        let footers = all / 16;
        let row_cache = (self.storage.row_cache_size as usize).min(all / 16);
        let live = self.live.buffer_size.min(all / 16);
        let store = all - bodies - last_values - footers - row_cache - live;
        let queries = self.query.memory.unwrap_or(all / 2).min(store);
        Memory { store, queries, bodies, last_values, footers, row_cache, live }
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
            &[("memory-limit", "16MiB"), ("max-request-size", "1GiB")],
            &[
                ("memory-limit", "64MiB"),
                ("last-value-cache-size", "1GiB"),
                ("query-memory", "1GiB"),
            ],
        ] {
            let config = config(settings);
            let whole = config.memory();
            let Memory { store, queries, bodies, last_values, footers, row_cache, live } = whole;
            let parts = store + bodies + last_values + footers + row_cache + live;
            assert_eq!(parts, config.memory_limit);
            assert!(store >= bodies && store >= last_values && store >= queries, "{whole:?}");
        }
    }

    #[test]
    fn the_largest_body_allowed_finds_room_and_queries_take_what_they_may() {
        let whole = config(&[("memory-limit", "128MiB"), ("query-memory", "10MiB")]).memory();
        assert_eq!((whole.bodies, whole.queries), (32 << 20, 10 << 20));
        assert_eq!(config(&[("last-value-cache-size", "0")]).memory().last_values, 0);
    }
}
