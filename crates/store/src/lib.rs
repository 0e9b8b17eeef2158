//! Where readings live: wal, memtable, flush, lake
