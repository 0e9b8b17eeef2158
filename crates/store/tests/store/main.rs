//! What the store promises, held against a disk that fails and a clock that is turned by hand.

mod rig;

mod survives;

mod repeats;

mod faults;

mod follow;

mod lake;

mod model;

mod retention;

mod damage;

mod rebuilt;

mod dropping;

mod correcting;

mod last;

mod unsigned;

mod versions;
