//! Stock, matching engines and notifications of a scenario of the swarm.

use super::dice::{Dice, Fields};

/// Dice of their own: a scenario without services is what it was before there were any.
const SALT: u64 = 0x7365_7276_6963_6573;

/// What a scenario has of them.
#[derive(Default)]
pub struct Services {
    /// Fields of the traffic.
    pub traffic: Vec<(&'static str, String)>,
    /// Fields of the design.
    pub design: Vec<(&'static str, String)>,
    /// Tiers and how many instances each has.
    pub tiers: Vec<(&'static str, u64)>,
}

/// Those of a seed.
pub fn services(seed: u64) -> Services {
    let dice = &mut Dice::new(seed ^ SALT);
    let mut all = Services::default();
    if dice.chance(25) {
        stock(dice, &mut all);
    }
    if dice.chance(25) {
        market(dice, &mut all);
    }
    if dice.chance(25) {
        notifications(dice, &mut all);
    }
    if dice.chance(10) {
        let net = format!("Colo(one_way: {})", dice.us(0, 500));
        all.design.push(("net", net));
    }
    all
}

fn stock(dice: &mut Dice, all: &mut Services) {
    let (articles, several) = (dice.log(1, 200), dice.chance(40));
    let mut reserve = Fields::default();
    reserve.set("rate", format!("\"{}/s\"", dice.log(1, 1500)));
    reserve.set("size", "\"100 B\"");
    let items = if several {
        dice.from(2, 4).min(articles)
    } else {
        1
    };
    reserve.set("items", items);
    reserve.maybe("opens", dice.chance(30).then(|| dice.ms(1, 2000)));
    reserve.maybe("lasts", dice.chance(40).then(|| dice.ms(500, 5000)));
    reserve.maybe("paid", dice.chance(50).then(|| dice.share(0, 100)));
    let payment = format!("Exponential(mean: {})", dice.ms(1, 3000));
    reserve.maybe("payment", dice.chance(50).then_some(payment));
    all.traffic.push(("reserve", reserve.text()));
    let count = dice.from(1, 5);
    let mut tier = Fields::default();
    tier.set("count", count).set("machine", "\"c7g.large\"");
    tier.set("articles", articles)
        .set("units", dice.log(1, 5000));
    let mode = match dice.from(0, 2) {
        _ if items > 1 => "Strong".to_owned(),
        0 => format!("Reservation(ttl: {})", dice.ms(1, 4000)),
        1 => format!("Eventual(staleness: {})", dice.ms(5, 3000)),
        _ => "Strong".to_owned(),
    };
    tier.set("mode", mode);
    tier.set("txn", dice.pick(&["None", "TwoPhase", "Saga"]));
    tier.maybe("step", dice.chance(60).then(|| dice.us(0, 2000)));
    tier.maybe("write", dice.chance(60).then(|| dice.us(0, 20_000)));
    tier.maybe("timeout", dice.chance(60).then(|| dice.ms(5, 2000)));
    all.design.push(("stock", tier.text()));
    all.tiers.push(("stock", count));
}

fn market(dice: &mut Dice, all: &mut Services) {
    let mut order = Fields::default();
    order.set("rate", format!("\"{}/s\"", dice.log(1, 3000)));
    order.set("size", "\"50 B\"");
    order.set("symbols", dice.log(1, 500));
    order.maybe("skew", dice.chance(50).then_some("Zipf(exponent: 1)"));
    order.maybe("cancels", dice.chance(60).then(|| dice.share(0, 50)));
    order.maybe("modifies", dice.chance(60).then(|| dice.share(0, 50)));
    order.maybe("deadline", dice.chance(60).then(|| dice.ms(1, 300)));
    all.traffic.push(("order", order.text()));
    let count = dice.from(1, 4);
    let mut tier = Fields::default();
    tier.set("count", count).set("machine", "\"c7g.large\"");
    tier.maybe("service", dice.chance(50).then(|| dice.us(1, 1500)));
    tier.maybe("journal", dice.chance(50).then(|| dice.us(0, 3000)));
    tier.maybe("replicas", dice.chance(50).then(|| dice.from(0, 2)));
    tier.maybe("failover", dice.chance(50).then(|| dice.ms(1, 2000)));
    if dice.chance(30) {
        let (every, lasts) = (dice.ms(5, 500), dice.us(1, 3000));
        tier.set("preempted", format!("(every: {every}, lasts: {lasts})"));
    }
    if dice.chance(60) {
        let mut data = Fields::default();
        data.set("receivers", dice.share(1, 100));
        data.set("casting", dice.pick(&["Unicast", "Multicast"]));
        data.set("size", "\"40 B\"");
        data.maybe("packet", dice.chance(50).then(|| dice.us(0, 50)));
        tier.set("market_data", data.text());
    }
    all.design.push(("matching", tier.text()));
    all.tiers.push(("matching_engine", count));
}

fn notifications(dice: &mut Dice, all: &mut Services) {
    let many = dice.from(1, 4) as usize;
    let names = dice.some(&["push", "email", "sms", "in_app"], many);
    let mut notify = Fields::default();
    notify.set("rate", format!("\"{}/s\"", dice.log(1, 1500)));
    notify.set("size", "\"200 B\"");
    notify.set("high", dice.share(0, 50));
    notify.set("low", dice.share(0, 50));
    notify.set("providers", dice.shares(&names));
    notify.maybe("repeats", dice.chance(50).then(|| dice.share(0, 100)));
    if dice.chance(60) {
        let mut wishes = Fields::default();
        let off = format!("{{\"{}\": {}}}", names[0], dice.share(0, 100));
        wishes.maybe("off", dice.chance(60).then_some(off));
        let (from, to) = (dice.from(0, 23), dice.from(0, 23));
        let quiet = format!(
            "(share: {}, from: \"{from} h\", to: \"{to} h\")",
            dice.share(0, 100)
        );
        wishes.maybe("quiet", dice.chance(50).then_some(quiet));
        wishes.maybe("hourly_cap", dice.chance(50).then(|| dice.from(0, 10)));
        notify.set("preferences", wishes.text());
    }
    all.traffic.push(("notify", notify.text()));
    let count = dice.from(1, 3);
    let mut tier = Fields::default();
    tier.set("count", count).set("machine", "\"c7g.large\"");
    tier.maybe("decide", dice.chance(60).then(|| dice.us(0, 3000)));
    tier.set("queueing", dice.pick(&["Bulkheads", "Shared"]));
    tier.maybe("queue", dice.chance(60).then(|| dice.log(1, 3000)));
    tier.maybe("dedupe", dice.chance(60).then(|| dice.ms(0, 9000)));
    all.design.push(("notifications", tier.text()));
    all.tiers.push(("notifications", count));
    let mut providers = Vec::new();
    for name in &names {
        let rate = if dice.chance(10) {
            0
        } else {
            dice.log(1, 3000)
        };
        let latency = format!("Exponential(mean: {})", dice.ms(1, 3000));
        providers.push(format!(
            "\"{name}\": (rate: \"{rate}/s\", latency: {latency})"
        ));
    }
    let providers = format!("{{{}}}", providers.join(", "));
    all.design.push(("providers", providers));
    all.tiers.push(("providers", names.len() as u64));
}
