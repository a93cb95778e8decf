//! Wall and CPU clocks: what the core may not have.
