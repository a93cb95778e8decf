//! Machines and server profiles: a scenario's own beside the embedded ones, and what a profile takes from the one it is like.

use crate::time::SimDuration;

use super::assets::assets;
use super::check::Check;
use super::design::distribution;
use super::error::{Problem, shorten};
use super::limits;
use super::model::{Machine, PauseClass, ServerProfile, Source};
use super::product;
use super::quantity::{self, count, duration, size};
use super::raw::{Ordered, Quantity, RawMachine, RawPause, RawProfile, RawScenario};

const NONE: SimDuration = SimDuration::ZERO;
/// Most profiles that are like one another.
const LONGEST: usize = 8;

/// The machines and profiles that a scenario brings, beside the embedded ones.
pub struct Names<'a> {
    machines: Vec<(String, Machine, Option<Source>)>,
    profiles: &'a [(String, RawProfile)],
}

impl<'a> Names<'a> {
    /// Checks the machines and profiles of a scenario.
    pub fn new(raw: &'a RawScenario, check: &mut Check<'_>) -> Self {
        let machines: &[(String, RawMachine)] = raw
            .machines
            .as_ref()
            .map_or(&[], |Ordered(entries)| entries);
        let profiles: &[(String, RawProfile)] = raw
            .profiles
            .as_ref()
            .map_or(&[], |Ordered(entries)| entries);
        check.names("machines", machines.iter().map(|(name, _)| name.as_str()));
        check.names("profiles", profiles.iter().map(|(name, _)| name.as_str()));
        let machines = machines
            .iter()
            .map(|(name, raw)| {
                (
                    name.clone(),
                    own_machine(name, raw, check),
                    raw.source.clone(),
                )
            })
            .collect();
        let names = Self { machines, profiles };
        for (name, _) in profiles {
            names.profile(name, &format!("profiles.{name}"), check);
        }
        names
    }

    /// A machine by name; notes where its numbers come from.
    pub fn machine(&self, name: &str, path: &str, check: &mut Check<'_>) -> Machine {
        if let Some((_, machine, source)) = self.machines.iter().find(|(own, ..)| own == name) {
            check.source(path, source);
            return machine.clone();
        }
        if let Some(machine) = assets().machine(name) {
            check.source(path, &Some(assets().machine_source()));
            return machine.clone();
        }
        let known = self
            .machines
            .iter()
            .map(|(own, ..)| own.as_str())
            .chain(assets().machine_names());
        check.problem(path, Problem::unknown("machine", name, known));
        Machine {
            name: name.to_owned(),
            cores: 1,
            memory_bytes: 1,
            network_bits_per_s: 1,
            usd_micro_per_hour: 0,
        }
    }

    fn raw_profile(&self, name: &str) -> Option<(&RawProfile, bool)> {
        let own = self
            .profiles
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, raw)| (raw, true));
        own.or_else(|| {
            assets()
                .profiles()
                .find(|(known, _)| *known == name)
                .map(|(_, raw)| (raw, false))
        })
    }

    /// The profile and those it is like, nearest first; notes unknown names and circles.
    fn chain(&self, name: &str, path: &str, check: &mut Check<'_>) -> Vec<Link<'_>> {
        let mut chain: Vec<Link<'_>> = Vec::new();
        let (mut name, mut at) = (name.to_owned(), path.to_owned());
        while let Some((raw, own)) = self.raw_profile(&name) {
            chain.push(Link {
                path: own.then(|| format!("profiles.{name}")),
                raw,
            });
            let Some(like) = &raw.like else { return chain };
            if chain.len() == LONGEST {
                check.problem(
                    &at,
                    Problem::new(format!(
                        "\"{}\" is like itself, in a circle",
                        shorten(&name)
                    )),
                );
                return Vec::new();
            }
            at = format!("profiles.{name}.like");
            name = like.clone();
        }
        let known = self
            .profiles
            .iter()
            .map(|(own, _)| own.as_str())
            .chain(assets().profiles().map(|(name, _)| name));
        check.problem(&at, Problem::unknown("server profile", &name, known));
        Vec::new()
    }

    /// The machine as software with this profile uses it.
    pub fn used(&self, name: &str, machine: Machine, path: &str, check: &mut Check<'_>) -> Machine {
        let (mut next, mut current) = (self.raw_profile(name), name);
        // A circle is found with the other numbers.
        for _ in 0..LONGEST {
            let Some((raw, own)) = next else { break };
            if let Some(threads) = &raw.threads {
                let own = own.then(|| format!("profiles.{current}"));
                let path = own.as_deref().unwrap_or(path);
                check.source(&format!("{path}.threads"), &source_of(raw, "threads"));
                check
                    .unwritten
                    .insert(format!("{path}.threads"), threads.to_string());
                return product::used(machine, Some(threads), path, check);
            }
            current = raw.like.as_deref().unwrap_or_default();
            next = raw.like.as_deref().and_then(|like| self.raw_profile(like));
        }
        machine
    }

    /// A profile with everything that its `like` gives.
    pub fn profile(&self, name: &str, path: &str, check: &mut Check<'_>) -> ServerProfile {
        let chain = self.chain(name, path, check);
        let mut read = Reader {
            chain: &chain,
            path,
            check,
        };
        let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
        let memory = |q: &Quantity| size(q, 1, limits::MEMORY);
        let profile = ServerProfile {
            name: name.to_owned(),
            memory_per_connection_bytes: read.field(
                "memory_per_connection",
                |p| &p.memory_per_connection,
                memory,
                1,
            ),
            base_memory_bytes: read.field(
                "base_memory",
                |p| &p.base_memory,
                |q| size(q, 0, limits::MEMORY),
                0,
            ),
            reserved_descriptors: read.field(
                "reserved_descriptors",
                |p| &p.reserved_descriptors,
                |q| count(q, &["descriptors"], 0, limits::COUNT),
                0,
            ) as u32,
            accept: read.field("accept", |p| &p.accept, service, NONE),
            receive: read.field("receive", |p| &p.receive, service, NONE),
            copy: read.field("copy", |p| &p.copy, service, NONE),
            deliver: read.field("deliver", |p| &p.deliver, service, NONE),
            deliver_ps_per_byte: read.field(
                "deliver_per_byte",
                |p| &p.deliver_per_byte,
                |q| quantity::picoseconds(q, limits::PER_BYTE_PS),
                0,
            ),
            heartbeat: read.field("heartbeat", |p| &p.heartbeat, service, NONE),
            load_curve: Vec::new(),
            pauses: Vec::new(),
        };
        let load_curve = load_curve(&chain, path, check);
        let pauses = pauses(&chain, path, check);
        ServerProfile {
            load_curve,
            pauses,
            ..profile
        }
    }
}

/// One profile in a chain; `path` where it stands in the scenario.
struct Link<'a> {
    path: Option<String>,
    raw: &'a RawProfile,
}

/// Reads profile fields: the nearest profile in the chain that has a field gives it.
struct Reader<'a, 'b, 'c> {
    chain: &'a [Link<'a>],
    path: &'a str,
    check: &'b mut Check<'c>,
}

impl Reader<'_, '_, '_> {
    fn field<T>(
        &mut self,
        name: &str,
        get: impl Fn(&RawProfile) -> &Option<Quantity>,
        read: impl Fn(&Quantity) -> Result<T, Problem>,
        fallback: T,
    ) -> T {
        for link in self.chain {
            let Some(quantity) = get(link.raw) else {
                continue;
            };
            let at = link.path.as_deref().unwrap_or(self.path);
            let at = format!("{at}.{name}");
            self.check
                .source(&format!("{}.{name}", self.path), &source_of(link.raw, name));
            let shown = match quantity {
                Quantity::Text(text) => text.clone(),
                other => other.to_string(),
            };
            self.check
                .unwritten
                .insert(format!("{}.{name}", self.path), shown);
            return self.check.take(&at, read(quantity), fallback);
        }
        if !self.chain.is_empty() {
            let problem = Problem::new(format!("the profile has no {name}"));
            let problem =
                problem.help("give it, or name the profile it is like: like: \"standard\"");
            self.check
                .problem(&format!("{}.{name}", self.path), problem);
        }
        fallback
    }
}

fn source_of(raw: &RawProfile, field: &str) -> Option<Source> {
    let single = raw
        .sources
        .as_ref()
        .and_then(|Ordered(entries)| entries.iter().find(|(name, _)| name == field));
    single
        .map(|(_, source)| source.clone())
        .or_else(|| raw.source.clone())
}

fn load_curve(chain: &[Link<'_>], path: &str, check: &mut Check<'_>) -> Vec<(f64, f64)> {
    let found = chain
        .iter()
        .find_map(|link| Some((link, link.raw.load_curve.as_ref()?)));
    let Some((link, curve)) = found else {
        return Vec::new();
    };
    check.source(
        &format!("{path}.load_curve"),
        &source_of(link.raw, "load_curve"),
    );
    check
        .unwritten
        .insert(format!("{path}.load_curve"), format!("{curve:?}"));
    let good = curve
        .iter()
        .all(|(u, factor)| (0.0..=1.0).contains(u) && *factor > 0.0 && *factor <= 100.0);
    let rising = curve.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !good || !rising || curve.len() > limits::ENTRIES {
        let problem = Problem::new("the load curve is not a curve")
            .allowed("(utilisation, factor) pairs with rising utilisation in 0..=1 and factors above 0, up to 100");
        let at = link.path.as_deref().unwrap_or(path);
        check.problem(&format!("{at}.load_curve"), problem);
    }
    curve.clone()
}

fn pauses(chain: &[Link<'_>], path: &str, check: &mut Check<'_>) -> Vec<PauseClass> {
    let found = chain
        .iter()
        .find_map(|link| Some((link, link.raw.pauses.as_ref()?)));
    let Some((link, raw)) = found else {
        return Vec::new();
    };
    let at = format!("{}.pauses", link.path.as_deref().unwrap_or(path));
    check.source(&format!("{path}.pauses"), &source_of(link.raw, "pauses"));
    let classes: Vec<&str> = raw.iter().map(|pause| pause.name.as_str()).collect();
    check
        .unwritten
        .insert(format!("{path}.pauses"), classes.join(", "));
    check.names(&at, raw.iter().map(|pause| pause.name.as_str()));
    let pause = |(i, raw): (usize, &RawPause)| {
        let at = format!("{at}[{i}]");
        check.source(&at, &raw.source);
        PauseClass {
            name: raw.name.clone(),
            every: distribution(
                &raw.every,
                &format!("{at}.every"),
                limits::SHORT,
                limits::LONG,
                check,
            ),
            lasts: distribution(
                &raw.lasts,
                &format!("{at}.lasts"),
                NONE,
                limits::LONG,
                check,
            ),
        }
    };
    raw.iter()
        .take(limits::ENTRIES)
        .enumerate()
        .map(pause)
        .collect()
}

fn own_machine(name: &str, raw: &RawMachine, check: &mut Check<'_>) -> Machine {
    let path = format!("machines.{name}");
    check.sources(&path, &raw.source, &raw.sources);
    let cores = count(&raw.cores, &["cores", "core", "vCPU"], 1, limits::CORES);
    Machine {
        name: name.to_owned(),
        cores: check.take(&format!("{path}.cores"), cores, 1) as u32,
        memory_bytes: check.take(
            &format!("{path}.memory"),
            size(&raw.memory, 1 << 20, limits::MEMORY),
            1,
        ),
        network_bits_per_s: check.take(
            &format!("{path}.network"),
            quantity::bits_per_s(&raw.network),
            1,
        ),
        usd_micro_per_hour: check.take_or(&format!("{path}.price"), &raw.price, 0, quantity::rent),
    }
}
