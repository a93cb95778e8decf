//! The faults of a scenario: of every kind, at any time, of instances that are there.

use super::dice::{Dice, Fields};
use super::scenarios::{Shape, at};

/// Up to four faults; now and then more that all begin or last alike.
pub fn faults(dice: &mut Dice, shape: &Shape) -> String {
    let crowded = dice.chance(15);
    let (most, same_at, same_lasts) = if crowded {
        (8, dice.chance(60), dice.chance(40))
    } else {
        (4, false, false)
    };
    let (first, long) = (at(dice, shape), dice.ms(1, 3000));
    let faults: Vec<String> = (0..dice.from(0, most))
        .map(|_| {
            let mut fault = Fields::default();
            let (other, longer) = (at(dice, shape), dice.ms(1, 6000));
            fault.set("at", if same_at { &first } else { &other });
            let lasts = if same_lasts { &long } else { &longer };
            fault.maybe("lasts", dice.chance(70).then_some(lasts));
            fault.set("fault", fault_kind(dice, shape));
            fault.text()
        })
        .collect();
    format!("[{}]", faults.join(", "))
}

fn fault_kind(dice: &mut Dice, shape: &Shape) -> String {
    loop {
        let place = match shape.regions.as_slice() {
            [] => shape.home,
            some => dice.pick(some),
        };
        let two = dice.some(&shape.regions, 2);
        return match dice.from(0, 15) {
            0..=2 => format!("Kill{}", instances(dice, shape, true)),
            3 => {
                let whom = instances(dice, shape, false);
                let whom = whom.trim_end_matches(')');
                format!("SlowDown{whom}, factor: {})", dice.log(1, 300))
            }
            4 if shape.database => format!("HotKey(share: {})", dice.share(0, 100)),
            5 if shape.cache || shape.edge => "FlushCache".to_owned(),
            6 if !shape.regions.is_empty() => format!("LoseRegion(region: \"{place}\")"),
            7 => {
                let zone = dice.from(0, 2);
                format!("LoseZone(region: \"{place}\", zone: {zone})")
            }
            8..=9 if two.len() == 2 => {
                format!("Partition(from: \"{}\", to: \"{}\")", two[0], two[1])
            }
            10 if two.len() == 2 => format!(
                "SlowLink(from: \"{}\", to: \"{}\", adds: {}, loss: {})",
                two[0],
                two[1],
                dice.ms(1, 2000),
                dice.share(0, 100)
            ),
            11 => format!(
                "RollingRestart(drain: {}, restart: {})",
                dice.ms(1, 2000),
                dice.ms(1, 2000)
            ),
            12..=13 => format!("DropConnections(within: {})", dice.ms(1, 3000)),
            14 => format!(
                "FlashCrowd(joins: {}, within: {})",
                dice.from(1, 300),
                dice.ms(1, 3000)
            ),
            15 => format!("FlashCrowd(joins: \"{} %\")", dice.from(1, 200)),
            _ => continue,
        };
    }
}

/// `(tier: …, first: …, instances: …)` of a tier that is there.
fn instances(dice: &mut Dice, shape: &Shape, kill: bool) -> String {
    let tiers = [
        ("connection_servers", shape.servers, true),
        ("channel_owners", shape.owner_count, shape.owners),
        ("broker", shape.broker_count, shape.broker),
        ("database", shape.shards.max(1), shape.database),
        ("cache", shape.cache_count, shape.cache),
        ("edge", shape.pops.len() as u64, shape.edge && kill),
        ("origin", shape.origin, shape.origin > 0 && kill),
    ];
    let there: Vec<(&str, u64)> = tiers
        .into_iter()
        .filter(|(.., there)| *there)
        .map(|(name, count, _)| (name, count))
        .chain(shape.services.tiers.iter().copied())
        .collect();
    let (name, count) = there[dice.from(0, there.len() as u64 - 1) as usize];
    let first = dice.from(0, count - 1);
    let many = dice.from(1, count - first);
    format!("(tier: \"{name}\", first: {first}, instances: {many})")
}
