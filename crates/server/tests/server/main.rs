//! The server as its clients see it: over sockets, on a port of its own, in a folder of its own.

mod running;

mod journey;

mod hygiene;

mod bad_input;

mod bodies;

mod time_limits;

mod second_address;

mod connections;

mod http_2;

mod field_names;

mod devices_of_imports;

mod known_batches;

mod limits_of_fields;

mod newest_row;
