//! `plimsoll schema`: JSON Schemas for editors and checks.

use anyhow::Context;

use crate::cli::SchemaOf;
use crate::exit::{Exit, Failure};
use crate::{output, schema};

/// Prints a schema.
pub(crate) fn schema(of: SchemaOf) -> Result<Exit, Failure> {
    let schema = match of {
        SchemaOf::Scenario => schema::scenario(),
        SchemaOf::Report => schema::report("RunReport"),
        SchemaOf::Ramp => schema::report("RampReport"),
        SchemaOf::Capacity => schema::report("CapacityReport"),
        SchemaOf::Compare => schema::report("CompareReport"),
        SchemaOf::Check => schema::report("CheckReport"),
    };
    let text = serde_json::to_string_pretty(&schema).context("failed to write the schema")?;
    output::print(&format!("{text}\n"))?;
    Ok(Exit::Ok)
}
