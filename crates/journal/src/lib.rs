//! Records on disk, in order, safe against torn writes
