//! The client in bad weather, against a small server that behaves as told.

mod fake;

mod sending;

mod spooling;

mod starting;

mod tables;
