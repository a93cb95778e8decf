//! The connection table: where each connection is, in flat arrays.
//!
//! *Models:* one row per connection: its server, its state and until when it may resume.
//! *Formula:* 12 bytes per connection, in copy-on-write chunks. *Leaves out:* users and authentication;
//! who the connection belongs to is the caller's.

use crate::cow::CowVec;
use crate::ids::{ConnectionId, ServerId, Timestamp};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ConnectionState {
    /// No session.
    #[default]
    Closed,
    /// Accepted by a server, not yet open (handshake, authentication).
    Connecting,
    /// Open on its server.
    Open,
    /// Lost, but its session may be resumed until the deadline.
    Away,
}

/// Where a connection is and what it is doing: read together, so kept together.
#[derive(Clone, Copy, Debug)]
struct Row {
    server: ServerId,
    state: ConnectionState,
}

const CLOSED: Row = Row {
    server: ServerId::NOWHERE,
    state: ConnectionState::Closed,
};

/// Server, state and resume deadline of every connection.
#[derive(Clone, Debug)]
pub struct ConnectionTable {
    rows: CowVec<Row>,
    deadlines: CowVec<Timestamp>,
    open_on: Vec<u32>,
    open: u32,
}

impl Default for ConnectionTable {
    fn default() -> Self {
        Self::new()
    }
}

impl ConnectionTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: CowVec::new(CLOSED),
            deadlines: CowVec::new(Timestamp::ZERO),
            open_on: Vec::new(),
            open: 0,
        }
    }

    /// A table of connections that are open on the given servers (closed where [`ServerId::NOWHERE`]).
    #[must_use]
    pub fn open_on(servers: &[ServerId]) -> Self {
        let mut table = Self::new();
        table.grow(servers.len());
        for (i, &server) in servers.iter().enumerate() {
            if server != ServerId::NOWHERE {
                table.set_open(ConnectionId(i as u32), server);
            }
        }
        table
    }

    /// Rows in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the table has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grows the table to at least `rows` rows, closed.
    pub fn grow(&mut self, rows: usize) {
        self.rows.grow(rows);
        self.deadlines.grow(rows);
    }

    /// The state of a connection; an unknown one is closed.
    #[must_use]
    pub fn state(&self, connection: ConnectionId) -> ConnectionState {
        self.row(connection).state
    }

    /// The server it is on, or was on before it went away; [`ServerId::NOWHERE`] when closed.
    #[must_use]
    pub fn server(&self, connection: ConnectionId) -> ServerId {
        self.row(connection).server
    }

    /// The server of an open connection.
    #[must_use]
    pub fn open_server(&self, connection: ConnectionId) -> Option<ServerId> {
        let row = self.row(connection);
        (row.state == ConnectionState::Open).then_some(row.server)
    }

    fn row(&self, connection: ConnectionId) -> Row {
        self.rows.get(connection.index()).copied().unwrap_or(CLOSED)
    }

    /// Until when an away connection may resume.
    #[must_use]
    pub fn resume_deadline(&self, connection: ConnectionId) -> Option<Timestamp> {
        (self.state(connection) == ConnectionState::Away)
            .then(|| self.deadlines.get(connection.index()).copied())?
    }

    /// Whether the connection is away and may still resume at `now` (the deadline included).
    #[must_use]
    pub fn is_resumable(&self, now: Timestamp, connection: ConnectionId) -> bool {
        self.resume_deadline(connection)
            .is_some_and(|deadline| now <= deadline)
    }

    /// Open connections in all.
    #[must_use]
    pub fn open_count(&self) -> u32 {
        self.open
    }

    /// Open connections on one server.
    #[must_use]
    pub fn open_count_on(&self, server: ServerId) -> u32 {
        self.open_on.get(server.index()).copied().unwrap_or(0)
    }

    /// A server has accepted the connection; the handshake runs.
    pub fn set_connecting(&mut self, connection: ConnectionId, server: ServerId) {
        self.set(
            connection,
            ConnectionState::Connecting,
            server,
            Timestamp::ZERO,
        );
    }

    /// The connection is open on `server`.
    pub fn set_open(&mut self, connection: ConnectionId, server: ServerId) {
        assert!(
            server != ServerId::NOWHERE,
            "an open connection is on a server"
        );
        self.set(connection, ConnectionState::Open, server, Timestamp::ZERO);
        if self.open_on.len() <= server.index() {
            self.open_on.resize(server.index() + 1, 0);
        }
        self.open_on[server.index()] += 1;
        self.open += 1;
    }

    /// The connection was lost; it may resume until `deadline`.
    pub fn set_away(&mut self, connection: ConnectionId, deadline: Timestamp) {
        let server = self.server(connection);
        self.set(connection, ConnectionState::Away, server, deadline);
    }

    /// The session has ended.
    pub fn set_closed(&mut self, connection: ConnectionId) {
        self.set(
            connection,
            ConnectionState::Closed,
            ServerId::NOWHERE,
            Timestamp::ZERO,
        );
    }

    /// Connections open on `server`, ascending. Walks the whole table.
    pub fn open_connections(&self, server: ServerId) -> impl Iterator<Item = ConnectionId> + '_ {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(_, row)| row.server == server && row.state == ConnectionState::Open)
            .map(|(i, _)| ConnectionId(i as u32))
    }

    /// Bytes held, whoever shares them.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let rows = self.rows.memory_bytes() + self.deadlines.memory_bytes();
        rows + self.open_on.capacity() * size_of::<u32>()
    }

    fn set(
        &mut self,
        connection: ConnectionId,
        state: ConnectionState,
        server: ServerId,
        deadline: Timestamp,
    ) {
        self.grow(connection.index() + 1);
        if self.state(connection) == ConnectionState::Open {
            let old = self.server(connection);
            self.open_on[old.index()] -= 1;
            self.open -= 1;
        }
        *self.rows.get_mut(connection.index()) = Row { server, state };
        *self.deadlines.get_mut(connection.index()) = deadline;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_the_states() {
        let (a, b) = (ConnectionId(0), ConnectionId(9));
        let mut table = ConnectionTable::open_on(&[ServerId(2), ServerId::NOWHERE]);
        table.set_open(b, ServerId(2));
        assert_eq!(
            (
                table.open_count(),
                table.open_count_on(ServerId(2)),
                table.len()
            ),
            (2, 2, 10)
        );
        table.set_away(a, Timestamp(50));
        assert_eq!(
            (table.open_count_on(ServerId(2)), table.server(a)),
            (1, ServerId(2))
        );
        assert!(table.is_resumable(Timestamp(50), a) && !table.is_resumable(Timestamp(51), a));
        table.set_open(b, ServerId(1));
        assert_eq!(table.open_connections(ServerId(1)).collect::<Vec<_>>(), [b]);
        table.set_closed(b);
        assert_eq!(
            (table.open_count(), table.server(b)),
            (0, ServerId::NOWHERE)
        );
        assert_eq!(table.resume_deadline(b), None);
    }
}
