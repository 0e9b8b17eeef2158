//! How readings are asked for: request or SQL, plan, snapshot, render
