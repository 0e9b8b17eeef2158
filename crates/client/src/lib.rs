//! The device client: add, spool, send
