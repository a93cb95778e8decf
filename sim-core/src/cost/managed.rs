//! Managed real-time services: exact cost by connection-minute and message, and their published limits.
//!
//! *Formula:* connection-minutes and metered messages through the service's price tiers, plus its package; or as many units
//! as connections need, and the messages above those they include; or the smallest plan that holds both. A message longer
//! than the service's metering unit counts as several. Metered messages are publishes and deliveries together.
//! *Leaves out:* **latency is not simulated**; the functions behind a service, channel-minutes, regional price differences
//! and free allowances. *Source:* `assets/prices/managed.tsv`, each line with its own status.

use std::sync::OnceLock;

use super::HOURS_PER_MONTH;
use super::bill::{Bill, through_tiers};
use super::book::{BookError, Price, PriceLine, micro, rows};
use super::usage::Purpose;
use crate::scenario::{Source, nearest};

/// What every answer says.
const LATENCY: &str = "latency not simulated";
const NANO: u64 = 1_000_000_000;

/// A published limit of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// `connections`, `messages_per_s`, `message_bytes`, …
    pub name: String,
    /// How much.
    pub value: u64,
    /// Of what.
    pub unit: String,
    /// How far to trust it.
    pub source: Source,
}

/// A month at a managed service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedBill {
    /// `ably`
    pub service: String,
    /// Lines by item: `connection minutes`, `messages`, `units`, `plan Pro`, …
    pub bill: Bill,
    /// Published limits.
    pub limits: Vec<Limit>,
    /// Limits that this use is beyond, in words; the price stands nevertheless.
    pub exceeded: Vec<String>,
    /// `latency not simulated`, and which lines are assumed.
    pub note: String,
}

/// Why a service gives no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagedError {
    /// There is no such service.
    #[error("no managed service is called \"{name}\"; allowed: {known}{hint}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
        /// The nearest name, as a question.
        hint: String,
    },
    /// Its largest plan is too small.
    #[error(
        "{service} lists no plan for {connections} connections and {messages_per_day} messages a day"
    )]
    BeyondLargestPlan {
        /// Which service.
        service: String,
        /// Connections asked for.
        connections: u64,
        /// Metered messages a day.
        messages_per_day: u128,
    },
}

/// One service's lines.
#[derive(Debug)]
struct Service {
    name: String,
    /// By item; plans keep their unit (`500 open, 1M/day`) and name.
    lines: Vec<PriceLine>,
}

impl Service {
    fn of(&self, item: &str) -> Vec<&PriceLine> {
        self.lines.iter().filter(|line| line.kind == item).collect()
    }

    /// The whole number of an item.
    fn number(&self, item: &str) -> Option<u64> {
        Some(self.of(item).first()?.price.usd_nano / NANO)
    }

    fn limits(&self) -> Vec<Limit> {
        let lines = self.lines.iter();
        lines
            .filter_map(|line| {
                Some(Limit {
                    name: line.kind.strip_prefix("limit.")?.to_owned(),
                    value: line.price.usd_nano / NANO,
                    unit: line.unit.clone(),
                    source: line.source.clone(),
                })
            })
            .collect()
    }
}

/// Names of the services, in file order.
#[must_use]
pub fn managed_names() -> Vec<&'static str> {
    services().iter().map(|s| s.name.as_str()).collect()
}

/// A month at a managed service: `connections` open at the peak, `connection_minutes` over the month, `messages` published
/// and delivered, of `message_bytes` on average.
pub fn managed(
    service: &str,
    connections: u64,
    connection_minutes: u128,
    messages: u128,
    message_bytes: u64,
) -> Result<ManagedBill, ManagedError> {
    let Some(found) = services().iter().find(|own| own.name == service) else {
        let near = nearest(service, managed_names());
        return Err(ManagedError::Unknown {
            name: service.to_owned(),
            known: managed_names().join(", "),
            hint: near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?")),
        });
    };
    let metered = match found.number("message_unit") {
        Some(unit) => messages * u128::from(message_bytes.div_ceil(unit.max(1)).max(1)),
        None => messages,
    };
    let mut bill = Bill {
        book: format!("managed: {service}"),
        messages,
        ..Bill::default()
    };
    if found.number("unit_connections").is_some() {
        by_units(&mut bill, found, connections, metered);
    } else if !found.of("plan").is_empty() {
        by_plan(&mut bill, found, connections, metered)?;
    } else {
        by_use(&mut bill, found, connection_minutes, metered);
        bandwidth(&mut bill, found, messages, message_bytes);
    }
    let limits = found.limits();
    let per_s = messages.div_ceil(u128::from(super::SECONDS_PER_MONTH));
    let asked = [
        ("connections", u128::from(connections)),
        ("messages_per_s", per_s),
        ("message_bytes", u128::from(message_bytes)),
    ];
    let exceeded = limits
        .iter()
        .filter_map(|limit| {
            let (_, asked) = asked.iter().find(|(name, _)| *name == limit.name)?;
            (*asked > u128::from(limit.value)).then(|| {
                format!(
                    "{} {} asked for, {} published",
                    asked,
                    limit.name.replace('_', " "),
                    limit.value
                )
            })
        })
        .collect();
    let assumed = found
        .lines
        .iter()
        .any(|line| matches!(line.source, Source::Assumed(_)));
    Ok(ManagedBill {
        service: service.to_owned(),
        bill,
        limits,
        exceeded,
        note: if assumed {
            format!("{LATENCY}; some prices are assumed")
        } else {
            LATENCY.to_owned()
        },
    })
}

fn by_use(bill: &mut Bill, service: &Service, minutes: u128, metered: u128) {
    if let Some(package) = service.of("package").first() {
        let category = format!("package {}", package.note);
        let at = ("*", service.name.as_str(), category.as_str());
        bill.push(at, Purpose::IdleConnections, package.price.of(1));
    }
    for (item, category, quantity, purpose) in [
        (
            "connection_minutes",
            "connection minutes",
            minutes,
            Purpose::IdleConnections,
        ),
        ("messages", "messages", metered, Purpose::MessageCpu),
    ] {
        let amount = through_tiers(quantity, &service.of(item));
        bill.push(("*", &service.name, category), purpose, amount);
    }
}

/// Bytes above what a message includes on average.
fn bandwidth(bill: &mut Bill, service: &Service, messages: u128, message_bytes: u64) {
    let (lines, Some(free)) = (service.of("bandwidth"), service.number("bandwidth_free")) else {
        return;
    };
    let above = messages * u128::from(message_bytes.saturating_sub(free));
    if above > 0 {
        let amount = through_tiers(above, &lines);
        bill.push(("*", &service.name, "bandwidth"), Purpose::Egress, amount);
    }
}

fn by_units(bill: &mut Bill, service: &Service, connections: u64, metered: u128) {
    let holds = service.number("unit_connections").unwrap_or(1).max(1);
    let per_day = service.number("unit_messages_per_day").unwrap_or(0);
    let units = connections.div_ceil(holds).max(1);
    let price = service.of("unit").first().map_or(
        Price {
            usd_nano: 0,
            per: 1,
        },
        |line| line.price,
    );
    let category = format!("{units} units");
    bill.push(
        ("*", &service.name, &category),
        Purpose::IdleConnections,
        price.of(units.into()),
    );
    let included = u128::from(units) * u128::from(per_day) * u128::from(HOURS_PER_MONTH) / 24;
    let extra = metered.saturating_sub(included);
    let amount = through_tiers(extra, &service.of("messages"));
    bill.push(
        ("*", &service.name, "messages"),
        Purpose::MessageCpu,
        amount,
    );
}

fn by_plan(
    bill: &mut Bill,
    service: &Service,
    connections: u64,
    metered: u128,
) -> Result<(), ManagedError> {
    let per_day = (metered * 24).div_ceil(u128::from(HOURS_PER_MONTH));
    let fits = |line: &&PriceLine| {
        plan(&line.unit).is_some_and(|(open, million_per_day)| {
            connections <= open && per_day <= u128::from(million_per_day) * 1_000_000
        })
    };
    let Some(chosen) = service.of("plan").into_iter().find(fits) else {
        return Err(ManagedError::BeyondLargestPlan {
            service: service.name.clone(),
            connections,
            messages_per_day: per_day,
        });
    };
    let category = format!("plan {}", chosen.note);
    let amount = micro(chosen.price.usd_nano.into(), 1);
    bill.push(
        ("*", &service.name, &category),
        Purpose::IdleConnections,
        amount,
    );
    Ok(())
}

/// `500 open, 1M/day`
fn plan(unit: &str) -> Option<(u64, u64)> {
    let (open, per_day) = unit.split_once(" open, ")?;
    Some((
        open.parse().ok()?,
        per_day.strip_suffix("M/day")?.parse().ok()?,
    ))
}

fn services() -> &'static [Service] {
    static SERVICES: OnceLock<Vec<Service>> = OnceLock::new();
    SERVICES.get_or_init(|| {
        parse(include_str!("../../../assets/prices/managed.tsv")).unwrap_or_else(|problem| {
            panic!("the embedded managed services do not parse: {problem}")
        })
    })
}

fn parse(text: &str) -> Result<Vec<Service>, BookError> {
    let mut services: Vec<Service> = Vec::new();
    for row in rows("managed.tsv", text) {
        let unit = row.text(3)?.to_owned();
        let per = match unit.as_str() {
            "M" => 1_000_000,
            "GiB" => 1 << 30,
            _ => 1,
        };
        let line = PriceLine {
            kind: row.text(1)?.to_owned(),
            name: row.text(0)?.to_owned(),
            region: "*".to_owned(),
            price: Price {
                usd_nano: row.nano(2)?,
                per,
            },
            up_to: row.whole(4)?.map(|end| u128::from(end) * u128::from(per)),
            unit,
            source: row.source(5, 7)?,
            date: row.text(6)?.to_owned(),
            note: row.text(8)?.to_owned(),
        };
        match services
            .iter_mut()
            .find(|service| service.name == line.name)
        {
            Some(service) => service.lines.push(line),
            None => services.push(Service {
                name: line.name.clone(),
                lines: vec![line],
            }),
        }
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(service: &str, connections: u64, minutes: u128, messages: u128, bytes: u64) -> f64 {
        let bill = managed(service, connections, minutes, messages, bytes).unwrap();
        bill.bill.usd_micro_per_month() as f64 / 1e6
    }

    #[test]
    fn messages_go_through_tiers_and_metering_units() {
        // 1.5 billion of up to 32 KB: a thousand at 1.00, five hundred at 0.80 a million.
        assert_eq!(usd("apigw_websocket", 1, 0, 1_500_000_000, 600), 1_400.0);
        assert_eq!(usd("apigw_websocket", 1, 0, 750_000_000, 33_000), 1_400.0);
        // 50 M at 2.50 and 10 M at 2.25, and the Pro package.
        assert_eq!(usd("ably", 1, 0, 60_000_000, 600), 399.0 + 125.0 + 22.5);
        // A KiB above the 5 that a message includes: 1 024 000 000 bytes at 0.25 a GiB.
        let above = usd("ably", 1, 0, 1_000_000, 6_144) - usd("ably", 1, 0, 1_000_000, 5_120);
        assert!((above - 0.238_419).abs() < 1e-6, "{above}");
    }

    #[test]
    fn units_include_messages_and_plans_end() {
        let month = 1_000_000 * 730 / 24;
        assert_eq!(usd("azure_signalr", 1_001, 0, 2 * month, 600), 2.0 * 48.97);
        assert_eq!(
            usd("azure_signalr", 1_000, 0, month + 1_000_000, 2_048),
            48.97 + 1.0
        );
        assert_eq!(usd("pusher", 501, 0, 1, 100), 99.0);
        assert_eq!(usd("pusher", 500, 0, 40_000_000, 100), 99.0);
        assert!(matches!(
            managed("pusher", 30_001, 0, 1, 100),
            Err(ManagedError::BeyondLargestPlan { .. })
        ));
    }

    #[test]
    fn limits_are_data_and_what_is_beyond_them_is_told() {
        let bill = managed("apigw_websocket", 1, 0, 11_000 * 2_628_000, 200_000).unwrap();
        assert_eq!(bill.exceeded.len(), 2, "{:?}", bill.exceeded);
        assert!(
            bill.limits
                .iter()
                .any(|l| l.name == "connection_s" && l.value == 7_200)
        );
        assert!(bill.note.contains("latency not simulated"));
        let unknown = managed("abbly", 1, 1, 1, 1).unwrap_err().to_string();
        assert!(unknown.contains("did you mean \"ably\"?"), "{unknown}");
    }
}
