//! A clock to turn, a disk that fails, generators
