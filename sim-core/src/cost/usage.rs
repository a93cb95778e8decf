//! What a system used in one month of 730 hours, whoever measured it.
//!
//! Amounts are integers: bytes, byte-months, connection-hours, counts. Each entry names its region and tier, so that a bill
//! can be read by either.

/// What money is spent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Holding open connections: memory, heartbeats, accepting.
    IdleConnections,
    /// Reading, ordering, copying and writing messages.
    MessageCpu,
    /// Bytes that leave: to the internet, another zone or another region.
    Egress,
    /// Databases, caches, logs and storage.
    Data,
    /// Points of presence and content delivery.
    Edge,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Purpose; 5] = [
        Purpose::IdleConnections,
        Purpose::MessageCpu,
        Purpose::Egress,
        Purpose::Data,
        Purpose::Edge,
    ];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Purpose::IdleConnections => "idle_connections",
            Purpose::MessageCpu => "message_cpu",
            Purpose::Egress => "egress",
            Purpose::Data => "data",
            Purpose::Edge => "edge",
        }
    }
}

/// What the rent of a tier is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rent {
    /// For one purpose.
    All(Purpose),
    /// Of servers that hold connections and move messages: the part for idle connections, of a million
    /// (see [`super::rent_share_ppm`]).
    Connections {
        /// Parts of a million.
        idle_ppm: u64,
    },
}

/// Machines of one kind in one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    /// Tier name.
    pub tier: String,
    /// Where they stand.
    pub region: String,
    /// `c7g.xlarge`
    pub machine: String,
    /// The scenario's own rent, micro-dollars per hour; `None`: the book's.
    pub own_usd_micro_per_hour: Option<u64>,
    /// How many.
    pub count: u64,
    /// What for.
    pub rent: Rent,
}

/// Use of a managed load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancerUse {
    /// Tier name.
    pub tier: String,
    /// Where it stands.
    pub region: String,
    /// Instances.
    pub count: u64,
    /// New connections.
    pub new_connections: u128,
    /// Open connections × hours.
    pub connection_hours: u128,
    /// Bytes that went through.
    pub bytes: u128,
}

/// Bytes that left somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Tier that sent them.
    pub tier: String,
    /// Region they left.
    pub region: String,
    /// Region they went to, between regions.
    pub to: Option<String>,
    /// How many.
    pub bytes: u128,
}

/// Bytes kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Tier that keeps them.
    pub tier: String,
    /// Where.
    pub region: String,
    /// Product in the price book: `ebs-gp3`.
    pub product: String,
    /// Bytes × months.
    pub byte_months: u128,
}

/// Use of an edge network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeUse {
    /// Tier name.
    pub tier: String,
    /// Group of countries in the price book: `US`.
    pub region: String,
    /// Product in the price book: `cloudfront`.
    pub product: String,
    /// Bytes to clients.
    pub bytes: u128,
    /// Requests of clients.
    pub requests: u128,
    /// Bytes to the origin.
    pub origin_bytes: u128,
}

/// Use of a product billed by the piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Tier name.
    pub tier: String,
    /// Where.
    pub region: String,
    /// Kind in the price book: `data`, `network`, `serverless`.
    pub kind: String,
    /// Product in the price book: `dynamodb-on-demand-write`.
    pub product: String,
    /// How many units (requests, hours, bytes).
    pub quantity: u128,
    /// What for.
    pub purpose: Purpose,
}

/// What people did, by the region that served them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Where.
    pub region: String,
    /// Messages published.
    pub messages: u128,
    /// Copies that clients received.
    pub deliveries: u128,
    /// Open connections × minutes.
    pub connection_minutes: u128,
}

/// Everything used in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Users served.
    pub users: u64,
    /// Rented machines.
    pub instances: Vec<Instances>,
    /// Load balancers.
    pub balancers: Vec<BalancerUse>,
    /// Bytes to the internet.
    pub egress: Vec<Transfer>,
    /// Bytes from one zone to another of the same region.
    pub inter_zone: Vec<Transfer>,
    /// Bytes from one region to another.
    pub inter_region: Vec<Transfer>,
    /// Bytes kept.
    pub storage: Vec<Stored>,
    /// Edge networks.
    pub edge: Vec<EdgeUse>,
    /// Products billed by the piece.
    pub metered: Vec<Metered>,
    /// What people did.
    pub activity: Vec<Activity>,
}

impl Usage {
    /// Messages published in all regions.
    #[must_use]
    pub fn messages(&self) -> u128 {
        self.activity.iter().map(|a| a.messages).sum()
    }
}
