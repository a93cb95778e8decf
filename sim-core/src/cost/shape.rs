//! The shape of the day: what a month costs when load is not the simulated one around the clock.
//!
//! *Models:* 24 hourly loads relative to the simulated one, which is the busiest hour. *Formula:* everything that is billed
//! by use is multiplied by the mean of the 24; machines and balancer instances stay, provisioned for the peak. Each region
//! may have a shape of its own (in its own hours). *Leaves out:* scaling machines with the day, weekends, and that the
//! balancer's fullest count could change from hour to hour (all three follow the same load).
//! [`DayShape::FLAT`] says: at this load around the clock.

use std::collections::BTreeMap;

use super::usage::Usage;

/// Parts of the simulated load.
const WHOLE: u32 = 10_000;

/// Load by hour of the day, in ten-thousandths of the simulated load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayShape {
    hourly: [u32; 24],
}

/// Why hourly loads are no shape.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// Machines are provisioned for the simulated load.
    #[error(
        "hour {hour}: load {load} is outside 0 to 1; simulate the busiest hour and state the others relative to it"
    )]
    OutOfRange {
        /// Hour from 0.
        hour: usize,
        /// What was given.
        load: f64,
    },
}

impl DayShape {
    /// The simulated load around the clock.
    pub const FLAT: Self = Self {
        hourly: [WHOLE; 24],
    };

    /// From loads of 0 to 1 by hour.
    pub fn from_hourly(loads: [f64; 24]) -> Result<Self, ShapeError> {
        let mut hourly = [0; 24];
        for (hour, load) in loads.into_iter().enumerate() {
            if !(0.0..=1.0).contains(&load) {
                return Err(ShapeError::OutOfRange { hour, load });
            }
            hourly[hour] = libm::round(load * f64::from(WHOLE)) as u32;
        }
        Ok(Self { hourly })
    }

    /// Mean of the day relative to the simulated load, 0..=1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        f64::from(self.sum()) / f64::from(24 * WHOLE)
    }

    /// What a bill with this shape is about.
    #[must_use]
    pub fn label(&self) -> String {
        if *self == Self::FLAT {
            return "at this load around the clock".to_owned();
        }
        format!(
            "over a day whose mean is {:.0} % of this load; machines stay provisioned for it",
            self.mean() * 100.0
        )
    }

    fn sum(&self) -> u32 {
        self.hourly.iter().sum()
    }

    /// A quantity of a month at the simulated load, over days of this shape.
    #[must_use]
    pub fn scale(&self, quantity: u128) -> u128 {
        let whole = u128::from(24 * WHOLE);
        (quantity * u128::from(self.sum()) + whole / 2) / whole
    }
}

/// A month's use over days of a shape: by region, and `other` where a region has none.
#[must_use]
pub fn integrate(usage: &Usage, shapes: &BTreeMap<String, DayShape>, other: DayShape) -> Usage {
    let of = |region: &str| shapes.get(region).copied().unwrap_or(other);
    let mut usage = usage.clone();
    for balancer in &mut usage.balancers {
        let shape = of(&balancer.region);
        balancer.new_connections = shape.scale(balancer.new_connections);
        balancer.connection_hours = shape.scale(balancer.connection_hours);
        balancer.bytes = shape.scale(balancer.bytes);
    }
    let transfers = [
        &mut usage.egress,
        &mut usage.inter_zone,
        &mut usage.inter_region,
    ];
    for transfer in transfers.into_iter().flatten() {
        transfer.bytes = of(&transfer.region).scale(transfer.bytes);
    }
    for kept in &mut usage.storage {
        kept.byte_months = of(&kept.region).scale(kept.byte_months);
    }
    for edge in &mut usage.edge {
        let shape = of(&edge.region);
        edge.bytes = shape.scale(edge.bytes);
        edge.requests = shape.scale(edge.requests);
        edge.origin_bytes = shape.scale(edge.origin_bytes);
    }
    for metered in &mut usage.metered {
        metered.quantity = of(&metered.region).scale(metered.quantity);
    }
    for activity in &mut usage.activity {
        let shape = of(&activity.region);
        activity.messages = shape.scale(activity.messages);
        activity.deliveries = shape.scale(activity.deliveries);
        activity.connection_minutes = shape.scale(activity.connection_minutes);
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::super::{Instances, Purpose, Rent, Transfer, bill, book};
    use super::*;

    #[test]
    fn a_day_at_half_load_halves_bytes_and_keeps_machines() {
        let usage = Usage {
            instances: vec![Instances {
                tier: "servers".to_owned(),
                region: "us-east-1".to_owned(),
                machine: "c7g.xlarge".to_owned(),
                own_usd_micro_per_hour: None,
                count: 10,
                rent: Rent::All(Purpose::MessageCpu),
            }],
            egress: vec![Transfer {
                tier: "servers".to_owned(),
                region: "us-east-1".to_owned(),
                to: None,
                bytes: 10_000_000_000_000,
            }],
            ..Usage::default()
        };
        let book = book("2026-07").unwrap();
        let day: [f64; 24] = core::array::from_fn(|hour| if hour < 12 { 0.2 } else { 0.8 });
        let shape = DayShape::from_hourly(day).unwrap();
        let flat = integrate(&usage, &BTreeMap::new(), DayShape::FLAT);
        assert_eq!(flat, usage);
        let shaped = bill(&integrate(&usage, &BTreeMap::new(), shape), book);
        let machines = 10 * 730 * 145_000;
        assert_eq!(
            bill(&usage, book).usd_micro_per_month(),
            machines + 900_000_000
        );
        assert_eq!(shaped.usd_micro_per_month(), machines + 450_000_000);
        let elsewhere = BTreeMap::from([("us-east-1".to_owned(), shape)]);
        assert_eq!(
            bill(&integrate(&usage, &elsewhere, DayShape::FLAT), book),
            shaped
        );
        assert!(DayShape::FLAT.label().contains("around the clock"));
        assert!(shape.label().contains("50 %"), "{}", shape.label());
    }

    #[test]
    fn more_than_the_simulated_load_is_refused() {
        let problem = DayShape::from_hourly([1.5; 24]).unwrap_err();
        assert!(problem.to_string().contains("busiest hour"));
    }
}
