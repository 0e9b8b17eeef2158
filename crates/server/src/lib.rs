//! The doors and the wiring
