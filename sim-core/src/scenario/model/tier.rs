//! The tiers that faults and reports name.

/// A tier that faults and reports name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// `load_balancer`
    LoadBalancer,
    /// `connection_servers`
    ConnectionServers,
    /// `channel_owners`
    ChannelOwners,
    /// `broker`
    Broker,
    /// `cache`
    Cache,
    /// `pooler`
    Pooler,
    /// `database`
    Database,
    /// `replicas`
    Replicas,
    /// `edge`
    Edge,
    /// `origin`
    Origin,
    /// `documents`
    Documents,
}

impl Tier {
    /// All tiers, in the order a message meets them; then those that assets come from.
    pub const ALL: [Tier; 11] = [
        Tier::LoadBalancer,
        Tier::ConnectionServers,
        Tier::ChannelOwners,
        Tier::Documents,
        Tier::Broker,
        Tier::Cache,
        Tier::Pooler,
        Tier::Database,
        Tier::Replicas,
        Tier::Edge,
        Tier::Origin,
    ];

    /// The name in scenario paths and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tier::LoadBalancer => "load_balancer",
            Tier::ConnectionServers => "connection_servers",
            Tier::ChannelOwners => "channel_owners",
            Tier::Broker => "broker",
            Tier::Cache => "cache",
            Tier::Pooler => "pooler",
            Tier::Database => "database",
            Tier::Replicas => "replicas",
            Tier::Edge => "edge",
            Tier::Origin => "origin",
            Tier::Documents => "documents",
        }
    }

    /// The name in sentences.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Tier::LoadBalancer => "load balancer",
            Tier::ConnectionServers => "connection servers",
            Tier::ChannelOwners => "channel owners",
            Tier::Broker => "broker",
            Tier::Cache => "cache",
            Tier::Pooler => "connection pooler",
            Tier::Database => "database",
            Tier::Replicas => "read replicas",
            Tier::Edge => "points of presence",
            Tier::Origin => "origin",
            Tier::Documents => "document owners",
        }
    }
}
