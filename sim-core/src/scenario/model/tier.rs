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
    /// `command_side`
    CommandSide,
    /// `log`
    Log,
    /// `projections`
    Projections,
    /// `stock`
    Stock,
    /// `matching_engine`
    MatchingEngine,
    /// `notifications`
    Notifications,
    /// `providers`
    Providers,
    /// `documents`
    Documents,
}

impl Tier {
    /// All tiers, in the order a message meets them; then those that assets come from, those of events, and the services beside.
    pub const ALL: [Tier; 18] = [
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
        Tier::CommandSide,
        Tier::Log,
        Tier::Projections,
        Tier::Stock,
        Tier::MatchingEngine,
        Tier::Notifications,
        Tier::Providers,
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
            Tier::CommandSide => "command_side",
            Tier::Log => "log",
            Tier::Projections => "projections",
            Tier::Stock => "stock",
            Tier::MatchingEngine => "matching_engine",
            Tier::Notifications => "notifications",
            Tier::Providers => "providers",
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
            Tier::CommandSide => "command side",
            Tier::Log => "event log",
            Tier::Projections => "projections",
            Tier::Stock => "stock",
            Tier::MatchingEngine => "matching engines",
            Tier::Notifications => "notification service",
            Tier::Providers => "providers",
            Tier::Documents => "document owners",
        }
    }
}
