//! The bill: usage × prices, line by line.
//!
//! *Machines:* count × rent × 730 h. *Balancer:* count × rent, and capacity units: the fullest of new connections, open
//! connections and bytes is billed, and the money counts as what that count stands for (connections, or egress); where a
//! vendor bills bytes instead, bytes. *Egress:* all bytes that leave a region go through its price tiers together; the
//! amount is spread over the tiers that sent them in proportion. *Between zones:* bytes × price × ends billed. *Storage:*
//! byte-months. A price that the book does not have is a note, never a silent zero.
//!
//! *Leaves out:* free allowances, taxes, commitments other than a book's own factor.

use std::collections::BTreeMap;

use super::book::{Answer, Price, PriceBook, PriceLine, micro};
use super::usage::{BalancerUse, Purpose, Rent, Transfer, Usage};
use super::{HOURS_PER_MONTH, MILLION};

/// One line: who spends how much where, for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it is spent.
    pub region: String,
    /// Tier name.
    pub tier: String,
    /// `machines`, `capacity units`, `egress`, `inter-zone`, `inter-region`, `storage`, …
    pub category: String,
    /// What for.
    pub purpose: Purpose,
    /// Micro-dollars a month.
    pub usd_micro: u64,
}

/// A month of 730 hours, priced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Price book, or managed service.
    pub book: String,
    /// What it adds up from.
    pub lines: Vec<Line>,
    /// What a reader must know: assumed prices, prices of another book or region.
    pub notes: Vec<String>,
    /// Users served.
    pub users: u64,
    /// Messages published in the month.
    pub messages: u128,
}

impl Bill {
    pub(super) fn push(
        &mut self,
        (region, tier, category): (&str, &str, &str),
        purpose: Purpose,
        usd_micro: u64,
    ) {
        self.lines.push(Line {
            region: region.to_owned(),
            tier: tier.to_owned(),
            category: category.to_owned(),
            purpose,
            usd_micro,
        });
    }

    fn note(&mut self, note: Option<String>) {
        if let Some(note) = note
            && !self.notes.contains(&note)
        {
            self.notes.push(note);
        }
    }

    /// Micro-dollars a month.
    #[must_use]
    pub fn usd_micro_per_month(&self) -> u64 {
        self.lines.iter().map(|line| line.usd_micro).sum()
    }

    /// Micro-dollars a year: 12 months of 730 hours.
    #[must_use]
    pub fn usd_micro_per_year(&self) -> u64 {
        12 * self.usd_micro_per_month()
    }

    /// Micro-dollars per million messages published; 0 without any.
    #[must_use]
    pub fn usd_micro_per_million_messages(&self) -> u64 {
        let total = u128::from(self.usd_micro_per_month()) * u128::from(MILLION);
        total.checked_div(self.messages).unwrap_or(0) as u64
    }

    /// Micro-dollars per user and month.
    #[must_use]
    pub fn usd_micro_per_user(&self) -> u64 {
        self.usd_micro_per_month() / self.users.max(1)
    }

    /// Sums by some key of the lines, in the order of the key.
    fn sums<K: Ord>(&self, key: impl Fn(&Line) -> K) -> BTreeMap<K, u64> {
        let mut sums = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(key(line)).or_default() += line.usd_micro;
        }
        sums
    }

    /// Micro-dollars by tier.
    #[must_use]
    pub fn by_tier(&self) -> BTreeMap<String, u64> {
        self.sums(|line| line.tier.clone())
    }

    /// Micro-dollars by region.
    #[must_use]
    pub fn by_region(&self) -> BTreeMap<String, u64> {
        self.sums(|line| line.region.clone())
    }

    /// Micro-dollars by purpose; every purpose is there.
    #[must_use]
    pub fn by_purpose(&self) -> BTreeMap<Purpose, u64> {
        let mut sums: BTreeMap<Purpose, u64> = Purpose::ALL.iter().map(|&p| (p, 0)).collect();
        sums.extend(self.sums(|line| line.purpose));
        sums
    }

    /// Micro-dollars by tier and category, in the order of the lines.
    #[must_use]
    pub fn items(&self) -> Vec<(&str, &str, u64)> {
        let mut items: Vec<(&str, &str, u64)> = Vec::new();
        for line in &self.lines {
            let same = items
                .iter_mut()
                .find(|(tier, category, _)| *tier == line.tier && *category == line.category);
            match same {
                Some(item) => item.2 += line.usd_micro,
                None => items.push((&line.tier, &line.category, line.usd_micro)),
            }
        }
        items
    }
}

/// Prices a month of use.
#[must_use]
pub fn bill(usage: &Usage, book: &PriceBook) -> Bill {
    let mut bill = Bill {
        book: book.name.clone(),
        users: usage.users,
        messages: usage.messages(),
        ..Bill::default()
    };
    for balancer in &usage.balancers {
        balance(&mut bill, balancer, book);
    }
    machines(&mut bill, usage, book);
    transfers(&mut bill, &usage.egress, "egress", |from, _| {
        book.find("egress", "internet", from)
    });
    let ends = book
        .find("inter_zone_ends", "*", "*")
        .and_then(|answer| Some(answer.lines.first()?.millionths() / MILLION))
        .unwrap_or(1);
    let crossing: Vec<Transfer> = usage
        .inter_zone
        .iter()
        .map(|transfer| Transfer {
            bytes: transfer.bytes * u128::from(ends),
            ..transfer.clone()
        })
        .collect();
    transfers(&mut bill, &crossing, "inter-zone", |from, _| {
        book.find("inter_zone", "*", from)
    });
    transfers(
        &mut bill,
        &usage.inter_region,
        "inter-region",
        |from, to| book.find("inter_region", to, from),
    );
    products(&mut bill, usage, book);
    bill
}

fn machines(bill: &mut Bill, usage: &Usage, book: &PriceBook) {
    for tier in &usage.instances {
        let own = tier.own_usd_micro_per_hour.map(|micro| {
            let price = Price {
                usd_nano: micro * 1_000,
                per: 1,
            };
            (price, Vec::new())
        });
        let Some((price, notes)) = own.or_else(|| book.machine(&tier.machine, &tier.region)) else {
            bill.note(Some(format!(
                "no price for machine {} in book {}: its rent is left out",
                tier.machine, book.name
            )));
            continue;
        };
        for note in notes {
            bill.note(Some(note));
        }
        let amount = price.of(u128::from(tier.count * HOURS_PER_MONTH));
        let at = (tier.region.as_str(), tier.tier.as_str(), "machines");
        match tier.rent {
            Rent::All(purpose) => bill.push(at, purpose, amount),
            Rent::Connections { idle_ppm } => {
                let idle = part(amount, idle_ppm.min(MILLION).into(), MILLION.into());
                bill.push(at, Purpose::IdleConnections, idle);
                bill.push(at, Purpose::MessageCpu, amount - idle);
            }
        }
    }
}

fn balance(bill: &mut Bill, used: &BalancerUse, book: &PriceBook) {
    let name = book.balancer.as_str();
    let find = |kind: &str| {
        let answer = book.find(kind, name, &used.region)?;
        let line = (*answer.lines.first()?).clone();
        Some((line, answer.note))
    };
    let rent = find("balancer");
    let unit = find("balancer_unit");
    let size = ["balancer_new", "balancer_active", "balancer_gb_h"]
        .map(|kind| find(kind).map_or(MILLION, |(line, _)| line.millionths().max(1)));
    let bytes = find("balancer_gb");
    let at = |category| (used.region.as_str(), used.tier.as_str(), category);
    match rent {
        Some((line, note)) => {
            let amount = line.price.of(u128::from(used.count * HOURS_PER_MONTH));
            bill.push(at("machines"), Purpose::IdleConnections, amount);
            // Only the rent speaks of another region: the units are the same vendor's.
            bill.note(note);
        }
        None => bill.note(Some(format!("no load balancer in book {}", book.name))),
    }
    if let Some((line, _)) = bytes {
        bill.push(
            at("data processed"),
            Purpose::Egress,
            line.price.of(used.bytes),
        );
    } else if let Some((line, _)) = unit {
        let (amount, purpose) = units(used, &line, size);
        bill.push(at("capacity units"), purpose, amount);
    }
}

/// Capacity units of a month: the dearest of the three counts, and what it stands for.
fn units(used: &BalancerUse, unit: &PriceLine, size: [u64; 3]) -> (u64, Purpose) {
    let [new, active, gb] = size;
    let scale = u128::from(MILLION);
    let nano = u128::from(unit.price.usd_nano);
    // Rounded up: a part of a micro-dollar is billed. Sizes are in millionths.
    let price = |quantity: u128, per: u128| (quantity * scale * nano).div_ceil(per * 1_000) as u64;
    let counts = [
        (
            price(used.new_connections, u128::from(new) * 3_600),
            Purpose::IdleConnections,
        ),
        (
            price(used.connection_hours, u128::from(active)),
            Purpose::IdleConnections,
        ),
        (
            price(used.bytes, u128::from(gb) * 1_000_000_000),
            Purpose::Egress,
        ),
    ];
    counts
        .into_iter()
        .max_by_key(|(amount, _)| *amount)
        .unwrap_or((0, Purpose::IdleConnections))
}

/// Bytes through price tiers: everything on the same lines of the book goes through them together.
fn transfers<'b>(
    bill: &mut Bill,
    all: &[Transfer],
    category: &str,
    find: impl Fn(&str, &str) -> Option<Answer<'b>>,
) {
    let mut routes: BTreeMap<(&str, &str), Vec<&Transfer>> = BTreeMap::new();
    for transfer in all {
        let to = transfer.to.as_deref().unwrap_or("*");
        routes
            .entry((&transfer.region, to))
            .or_default()
            .push(transfer);
    }
    for ((from, to), transfers) in routes {
        let total: u128 = transfers.iter().map(|t| t.bytes).sum();
        let Some(answer) = find(from, to) else {
            if total > 0 {
                bill.note(Some(format!(
                    "no {category} price in book {}: left out",
                    bill.book
                )));
            }
            continue;
        };
        let amount = through_tiers(total, &answer.lines);
        bill.note(answer.note.filter(|_| total > 0));
        let (mut so_far, mut billed) = (0, 0);
        for transfer in transfers {
            so_far += transfer.bytes;
            let upto = part(amount, so_far, total.max(1));
            bill.push(
                (from, &transfer.tier, category),
                Purpose::Egress,
                upto - billed,
            );
            billed = upto;
        }
    }
}

/// Micro-dollars of a quantity through price tiers.
pub(super) fn through_tiers(quantity: u128, lines: &[&PriceLine]) -> u64 {
    let (mut from, mut nano, mut per) = (0u128, 0u128, 1);
    for line in lines {
        let end = line.up_to.unwrap_or(u128::MAX);
        nano += quantity.min(end).saturating_sub(from) * u128::from(line.price.usd_nano);
        (from, per) = (end, line.price.per);
    }
    // A last tier that has an end goes on.
    if let Some(last) = lines.last() {
        nano += quantity.saturating_sub(from) * u128::from(last.price.usd_nano);
    }
    micro(nano, per)
}

/// `amount` × part / whole, rounded down.
fn part(amount: u64, part: u128, whole: u128) -> u64 {
    // Bytes of a month need 60 bits, an amount as many: their product fits.
    (u128::from(amount) * part / whole) as u64
}

fn products(bill: &mut Bill, usage: &Usage, book: &PriceBook) {
    let mut push =
        |kind: &str, product: &str, quantity: u128, at: (&str, &str, &str), purpose: Purpose| {
            if quantity == 0 {
                return;
            }
            match book.find(kind, product, at.0) {
                Some(answer) => {
                    bill.push(at, purpose, through_tiers(quantity, &answer.lines));
                    bill.note(answer.note);
                }
                None => bill.note(Some(format!(
                    "no price for {product} in book {}: left out",
                    book.name
                ))),
            }
        };
    for kept in &usage.storage {
        let at = (kept.region.as_str(), kept.tier.as_str(), "storage");
        push(
            "storage",
            &kept.product,
            kept.byte_months,
            at,
            Purpose::Data,
        );
    }
    for edge in &usage.edge {
        let at = |category| (edge.region.as_str(), edge.tier.as_str(), category);
        push(
            "edge",
            &edge.product,
            edge.bytes,
            at("edge egress"),
            Purpose::Edge,
        );
        push(
            "edge_request",
            &edge.product,
            edge.requests,
            at("edge requests"),
            Purpose::Edge,
        );
        push(
            "edge_origin",
            &edge.product,
            edge.origin_bytes,
            at("edge to origin"),
            Purpose::Edge,
        );
    }
    for used in &usage.metered {
        let at = (
            used.region.as_str(),
            used.tier.as_str(),
            used.product.as_str(),
        );
        push(&used.kind, &used.product, used.quantity, at, used.purpose);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activity, EdgeUse, Instances, Metered, Stored, book, book_names};
    use super::*;

    fn transfer(tier: &str, region: &str, bytes: u128) -> Transfer {
        Transfer {
            tier: tier.to_owned(),
            region: region.to_owned(),
            to: None,
            bytes,
        }
    }

    fn busy() -> Usage {
        let instances = |tier: &str, machine: &str, count, rent| Instances {
            tier: tier.to_owned(),
            region: "us-east-1".to_owned(),
            machine: machine.to_owned(),
            own_usd_micro_per_hour: None,
            count,
            rent,
        };
        Usage {
            users: 200_003,
            instances: vec![
                instances(
                    "servers",
                    "c7g.xlarge",
                    7,
                    Rent::Connections { idle_ppm: 333_333 },
                ),
                instances("database", "r7g.large", 1, Rent::All(Purpose::Data)),
            ],
            balancers: vec![BalancerUse {
                tier: "balancer".to_owned(),
                region: "us-east-1".to_owned(),
                count: 2,
                new_connections: 1_000_007,
                connection_hours: 200_003 * 730,
                bytes: 123_456_789_012_345,
            }],
            egress: vec![
                transfer("servers", "us-east-1", 123_456_789_012_345),
                transfer("edge", "us-east-1", 98_765_432_109_876),
                transfer("servers", "sa-east-1", 7_777_777_777),
            ],
            inter_zone: vec![transfer("owners", "us-east-1", 333_333_333_333)],
            inter_region: vec![Transfer {
                to: Some("eu-west-1".to_owned()),
                ..transfer("owners", "us-east-1", 4_444_444_444_441)
            }],
            storage: vec![Stored {
                tier: "database".to_owned(),
                region: "us-east-1".to_owned(),
                product: "ebs-gp3".to_owned(),
                byte_months: 55_555_555_555,
            }],
            edge: vec![EdgeUse {
                tier: "edge".to_owned(),
                region: "US".to_owned(),
                product: "cloudfront".to_owned(),
                bytes: 11_000_000_000_007,
                requests: 123_457,
                origin_bytes: 77_777_777,
            }],
            metered: vec![Metered {
                tier: "push".to_owned(),
                region: "us-east-1".to_owned(),
                kind: "data".to_owned(),
                product: "sns-mobile-push".to_owned(),
                quantity: 1_234_567,
                purpose: Purpose::MessageCpu,
            }],
            activity: vec![Activity {
                region: "us-east-1".to_owned(),
                messages: 9_999_991,
                deliveries: 99_999_989,
                connection_minutes: 200_003 * 43_800,
            }],
        }
    }

    #[test]
    fn every_split_adds_up_to_the_total_exactly_in_every_book() {
        for name in book_names() {
            let bill = bill(&busy(), book(name).unwrap());
            let total = bill.usd_micro_per_month();
            assert!(total > 0);
            assert_eq!(bill.by_tier().values().sum::<u64>(), total, "{name}");
            assert_eq!(bill.by_region().values().sum::<u64>(), total, "{name}");
            assert_eq!(bill.by_purpose().values().sum::<u64>(), total, "{name}");
            assert_eq!(bill.items().iter().map(|item| item.2).sum::<u64>(), total);
            assert_eq!(bill.usd_micro_per_year(), 12 * total);
        }
    }

    #[test]
    fn egress_of_two_tiers_goes_through_one_set_of_price_tiers() {
        let book = book("2026-07").unwrap();
        let usage = Usage {
            egress: vec![
                transfer("a", "us-east-1", 6_000_000_000_000),
                transfer("b", "us-east-1", 6_000_000_000_000),
            ],
            ..Usage::default()
        };
        let together = bill(&usage, book);
        assert_eq!(
            together.usd_micro_per_month(),
            10_240 * 90_000 + 1_760 * 85_000
        );
        assert_eq!(together.lines[0].usd_micro, together.lines[1].usd_micro);
    }

    #[test]
    fn the_fullest_count_of_a_balancer_is_billed_and_names_the_purpose() {
        let book = book("2026-07").unwrap();
        let idle = BalancerUse {
            tier: "balancer".to_owned(),
            region: "us-east-1".to_owned(),
            count: 1,
            new_connections: 0,
            connection_hours: 1_000_000 * 730,
            bytes: 1_000_000_000,
        };
        let loaded = BalancerUse {
            bytes: 100 * 730 * 1_000_000_000,
            ..idle.clone()
        };
        for (used, units, purpose) in [
            (idle, 10, Purpose::IdleConnections),
            (loaded, 100, Purpose::Egress),
        ] {
            let usage = Usage {
                balancers: vec![used],
                ..Usage::default()
            };
            let bill = bill(&usage, book);
            assert_eq!(bill.lines[0].usd_micro, 22_500 * 730);
            assert_eq!(bill.lines[1].usd_micro, units * 6_000 * 730);
            assert_eq!(bill.lines[1].purpose, purpose);
        }
    }

    #[test]
    fn bytes_between_zones_are_billed_at_both_ends() {
        let usage = Usage {
            inter_zone: vec![transfer("owners", "us-east-1", 1_000_000_000_000)],
            ..Usage::default()
        };
        let aws = bill(&usage, book("2026-07").unwrap());
        assert_eq!(aws.usd_micro_per_month(), 20_000_000);
        let gcp = bill(&usage, book("gcp-2024-07").unwrap());
        assert_eq!(gcp.usd_micro_per_month(), 10_000_000);
    }

    #[test]
    fn what_has_no_price_is_told() {
        let mut usage = busy();
        usage.instances[0].machine = "abacus".to_owned();
        usage.storage[0].product = "clay-tablets".to_owned();
        let bill = bill(&usage, book("2026-07").unwrap());
        assert!(bill.notes.iter().any(|n| n.contains("machine abacus")));
        assert!(bill.notes.iter().any(|n| n.contains("clay-tablets")));
    }
}
