//! What the query engine answers, over a real store: part of the rows in files, part in memory.

mod arrival;

mod damage;

mod differential;

mod direct;

mod doors;

mod exact;

mod limits;

mod model;

mod properties;

mod queries;

mod series;

mod sql;

mod words;

mod world;

mod fuzz_corpus;
