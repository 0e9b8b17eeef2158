//! What the query engine answers, over a real store: part of the rows in files, part in memory.

mod direct;

mod doors;

mod limits;

mod model;

mod properties;

mod queries;

mod series;

mod sql;

mod world;

mod fuzz_corpus;
