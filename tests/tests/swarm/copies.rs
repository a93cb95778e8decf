//! Connections that not all share, and replicas of a scenario of the swarm.

use super::dice::{Dice, Fields};

/// Who holds the connections of a database.
pub fn held(dice: &mut Dice, database: &mut Fields) {
    let own = dice.chance(60);
    database.maybe("per_server", own.then(|| dice.log(1, 50)));
    let pooled = dice.chance(60);
    if own || pooled {
        database.maybe("max_connections", dice.chance(50).then(|| dice.log(1, 200)));
    }
    if pooled {
        let mut pooler = Fields::default();
        pooler.set("count", dice.from(1, 4));
        pooler.maybe("machine", dice.chance(50).then_some("\"c7g.large\""));
        pooler.maybe("threads", dice.chance(40).then(|| dice.from(1, 2)));
        pooler.maybe("mode", (own && dice.chance(40)).then_some("Session"));
        pooler.maybe("clients", dice.chance(60).then(|| dice.log(1, 1000)));
        pooler.maybe("pool", dice.chance(70).then(|| dice.log(1, 100)));
        pooler.maybe("cost", dice.chance(60).then(|| dice.us(0, 2000)));
        database.set("pooler", pooler.text());
    }
}

/// Replicas, which may take over where nobody `watched` asks.
pub fn replicas(dice: &mut Dice, watched: bool) -> String {
    let mut replicas = Fields::default();
    replicas.set("count", dice.from(1, 3));
    replicas.maybe(
        "lag",
        dice.chance(70)
            .then(|| format!("Exponential(mean: {})", dice.ms(1, 2000))),
    );
    replicas.maybe("reads", dice.chance(60).then(|| dice.share(0, 100)));
    if !watched && dice.chance(70) {
        let mut failover = Fields::default();
        failover.set("detect", dice.ms(1, 1500));
        failover.set("promote", dice.ms(1, 1500));
        replicas.set("failover", failover.text());
    }
    replicas.text()
}
