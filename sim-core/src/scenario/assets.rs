//! The embedded tables: regions, access networks, machines and server profiles. Prices stand in [`crate::cost`]'s books.
//!
//! The tables stand in `assets/`; each names its sources in its head. They are compiled in, so a lookup needs no file. A table
//! that does not parse is a broken build and panics at first use; a test reads them all.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::time::SimDuration;

use super::error::Problem;
use super::model::{Machine, Source};
use super::product::raw::{RawBrokerProfile, RawCacheProfile, RawDatabaseProfile};
use super::raw::{Ordered, RawProfile};

/// The price book of scenarios that name none.
pub const PRICE_BOOK: &str = "2026-07";

/// Everything embedded.
#[derive(Debug)]
pub struct Assets {
    regions: Vec<String>,
    round_trips: BTreeMap<(String, String), RoundTrip>,
    utc_offsets: Vec<(String, f64)>,
    access: Vec<AccessNetwork>,
    machines: Vec<Machine>,
    profiles: Vec<(String, RawProfile)>,
    brokers: Vec<(String, RawBrokerProfile)>,
    caches: Vec<(String, RawCacheProfile)>,
    databases: Vec<(String, RawDatabaseProfile)>,
}

/// A round trip between two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// Mean.
    pub mean: SimDuration,
    /// Mean deviation.
    pub deviation: SimDuration,
}

/// A kind of last mile.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessNetwork {
    /// `cable`
    pub name: String,
    /// A fixed line, which may add a Wi-Fi hop.
    pub fixed: bool,
    /// Median round trip.
    pub rtt_p50: SimDuration,
    /// 95th percentile of the round trip.
    pub rtt_p95: SimDuration,
    /// 99th percentile of the round trip.
    pub rtt_p99: SimDuration,
    /// Packet loss, 0..=1.
    pub loss: f64,
    /// Standard deviation from packet to packet.
    pub jitter: SimDuration,
    /// Bits per second towards the client.
    pub down_bits_per_s: u64,
    /// Bits per second from the client.
    pub up_bits_per_s: u64,
}

/// The embedded assets.
pub fn assets() -> &'static Assets {
    static ASSETS: OnceLock<Assets> = OnceLock::new();
    ASSETS.get_or_init(|| match Assets::parse() {
        Ok(assets) => assets,
        Err(problem) => panic!("an embedded table does not parse: {problem}"),
    })
}

impl Assets {
    /// Region names, sorted.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }

    /// Checks a region's name.
    pub fn region(&self, name: &str) -> Result<&str, Problem> {
        self.regions()
            .find(|region| *region == name)
            .ok_or_else(|| Problem::unknown("region", name, self.regions()))
    }

    /// Round trip between two regions, or within one.
    pub fn round_trip(&self, from: &str, to: &str) -> Option<RoundTrip> {
        self.round_trips
            .get(&(from.to_owned(), to.to_owned()))
            .copied()
    }

    /// Hours that local time in a region is ahead of UTC, standard time.
    pub fn utc_offset_h(&self, region: &str) -> Option<f64> {
        let found = self.utc_offsets.iter().find(|(name, _)| name == region);
        found.map(|(_, hours)| *hours)
    }

    /// The access networks a connection can have; `wifi` is not one of them, it modifies fixed lines.
    pub fn access_networks(&self) -> impl Iterator<Item = &AccessNetwork> {
        self.access.iter().filter(|access| access.name != WIFI)
    }

    /// An access network by name.
    pub fn access(&self, name: &str) -> Result<&AccessNetwork, Problem> {
        self.access_networks().find(|access| access.name == name).ok_or_else(|| {
            let problem = Problem::unknown("access network", name, self.access_networks().map(|a| a.name.as_str()));
            if name == WIFI {
                return problem.help("Wi-Fi is a hop on top of a fixed line: write `wifi: \"30 %\"` beside `access`");
            }
            problem
        })
    }

    /// The hop that Wi-Fi adds to a fixed line.
    pub fn wifi(&self) -> Option<&AccessNetwork> {
        self.access.iter().find(|access| access.name == WIFI)
    }

    /// Machine names, in file order.
    pub fn machine_names(&self) -> impl Iterator<Item = &str> {
        self.machines.iter().map(|machine| machine.name.as_str())
    }

    /// A machine by name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// Where the machine table comes from.
    pub fn machine_source(&self) -> Source {
        Source::Vendor("AWS on-demand price and baseline network, us-east-1, 2026-07-20 (aws/karpenter-provider-aws@1d92708)".to_owned())
    }

    /// Server profiles, in file order.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &RawProfile)> {
        self.profiles
            .iter()
            .map(|(name, profile)| (name.as_str(), profile))
    }

    /// Broker profiles, in file order.
    #[must_use]
    pub fn brokers(&self) -> &[(String, RawBrokerProfile)] {
        &self.brokers
    }

    /// Cache profiles, in file order.
    #[must_use]
    pub fn caches(&self) -> &[(String, RawCacheProfile)] {
        &self.caches
    }

    /// Database profiles, in file order.
    #[must_use]
    pub fn databases(&self) -> &[(String, RawDatabaseProfile)] {
        &self.databases
    }

    fn parse() -> Result<Self, String> {
        let mut regions = Vec::new();
        let mut round_trips = BTreeMap::new();
        for row in rows(include_str!("../../../assets/regions.tsv")) {
            let trip = RoundTrip {
                mean: row.millis(2)?,
                deviation: row.millis(3)?,
            };
            let (from, to) = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
            regions.push(from.clone());
            round_trips.insert((from, to), trip);
        }
        regions.sort();
        regions.dedup();
        Ok(Self {
            regions,
            round_trips,
            utc_offsets: read(include_str!("../../../assets/utc-offsets.tsv"), |row| {
                Ok((row.text(0)?.to_owned(), row.hours(1)?))
            })?,
            access: read(include_str!("../../../assets/access.tsv"), |row| {
                row.access()
            })?,
            machines: read(include_str!("../../../assets/machines.tsv"), |row| {
                row.machine()
            })?,
            profiles: products(include_str!("../../../assets/profiles/servers.ron"))?,
            brokers: products(include_str!("../../../assets/profiles/brokers.ron"))?,
            caches: products(include_str!("../../../assets/profiles/caches.ron"))?,
            databases: products(include_str!("../../../assets/profiles/databases.ron"))?,
        })
    }
}

/// Profiles by name; a text that does not parse is named by its first comment.
fn products<P: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<(String, P)>, String> {
    let head = text.lines().next().unwrap_or_default();
    let read: Result<Ordered<P>, _> = super::options().from_str(text);
    read.map(|Ordered(profiles)| profiles)
        .map_err(|error| format!("{head}: {error}"))
}

const WIFI: &str = "wifi";
const GIB: f64 = 1_073_741_824.0;

/// One line of a table.
struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

/// The lines of a table without comments and without its heading.
fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
        .skip(1)
        .map(|(i, line)| Row {
            line: i + 1,
            cells: line.split('\t').collect(),
        })
}

fn read<T>(table: &str, row: impl Fn(&Row<'_>) -> Result<T, String>) -> Result<Vec<T>, String> {
    rows(table).map(|cells| row(&cells)).collect()
}

impl Row<'_> {
    fn text(&self, i: usize) -> Result<&str, String> {
        self.cells
            .get(i)
            .copied()
            .ok_or_else(|| format!("line {} has no column {i}", self.line))
    }

    fn number(&self, i: usize) -> Result<f64, String> {
        let text = self.text(i)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
            _ => Err(format!("line {}: \"{text}\" is not a number", self.line)),
        }
    }

    fn hours(&self, i: usize) -> Result<f64, String> {
        let text = self.text(i)?;
        match text.parse::<f64>() {
            Ok(hours) if (-12.0..=14.0).contains(&hours) => Ok(hours),
            _ => Err(format!("line {}: \"{text}\" is no UTC offset", self.line)),
        }
    }

    fn millis(&self, i: usize) -> Result<SimDuration, String> {
        Ok(SimDuration::from_nanos(
            libm::round(self.number(i)? * 1e6) as u64
        ))
    }

    fn micro(&self, i: usize) -> Result<u64, String> {
        Ok(libm::round(self.number(i)? * 1e6) as u64)
    }

    fn access(&self) -> Result<AccessNetwork, String> {
        Ok(AccessNetwork {
            name: self.text(0)?.to_owned(),
            fixed: self.text(1)? == "1",
            rtt_p50: self.millis(2)?,
            rtt_p95: self.millis(3)?,
            rtt_p99: self.millis(4)?,
            loss: self.number(5)? / 100.0,
            jitter: self.millis(6)?,
            down_bits_per_s: (self.number(7)? * 1e3) as u64,
            up_bits_per_s: (self.number(8)? * 1e3) as u64,
        })
    }

    fn machine(&self) -> Result<Machine, String> {
        Ok(Machine {
            name: self.text(0)?.to_owned(),
            cores: self.number(1)? as u32,
            memory_bytes: (self.number(2)? * GIB) as u64,
            network_bits_per_s: (self.number(3)? * 1e6) as u64,
            usd_micro_per_hour: self.micro(4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_parses_and_every_pair_of_regions_has_a_round_trip() {
        let assets = assets();
        for from in assets.regions() {
            for to in assets.regions() {
                let there = assets.round_trip(from, to).unwrap();
                let back = assets.round_trip(to, from).unwrap();
                let (a, b) = (there.mean.as_nanos() as f64, back.mean.as_nanos() as f64);
                assert!(
                    from == to || (a - b).abs() / a < 0.5,
                    "{from} {to}: {a} {b}"
                );
            }
        }
        assert!(
            assets
                .machine("c7g.xlarge")
                .is_some_and(|m| m.cores == 4 && m.memory_bytes == 8 << 30)
        );
        assert_eq!(assets.access_networks().count(), 9);
    }

    #[test]
    fn every_region_has_a_clock() {
        for region in assets().regions() {
            assert!(assets().utc_offset_h(region).is_some(), "{region}");
        }
        assert_eq!(assets().utc_offset_h("sa-east-1"), Some(-3.0));
    }

    #[test]
    fn names_are_found_or_the_nearest_is_offered() {
        assert_eq!(
            assets().region("us-east1").unwrap_err().help.unwrap(),
            "did you mean \"us-east-1\"?"
        );
        assert!(
            assets()
                .access("wifi")
                .unwrap_err()
                .help
                .unwrap()
                .contains("fixed line")
        );
    }
}
