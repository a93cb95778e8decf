//! The live deployment: the routing library of the simulator on tokio and real WebSockets, and a load generator beside it.
//!
//! *Models:* one connection server that holds a [`routing::Hub`], an embedded store, and users that are real connections of the
//! same process over the loopback device. *Leaves out (so far):* several servers, a broker, calibration and the prediction beside
//! the measurement. Everything is bounded in time and count, and nothing but 127.0.0.1 is spoken to.

pub mod client;
pub mod clock;
pub mod generator;
pub mod measure;
mod owner;
pub mod plan;
pub mod protocol;
pub mod server;
mod store;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub use client::{Client, ClientError};
pub use clock::{Clock, ManualClock, MonotonicClock};
pub use generator::{Load, LoadError};
pub use measure::Measured;
pub use owner::Audit;
pub use plan::{DeployPlan, PlanError, StorePlan};
pub use server::{Server, ServerGone, ServerOptions};
pub use store::StoreStats;

/// Time tasks may take to end once all is said.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// Why a deployment gave no measurement.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The plan is not for this machine.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No runtime or no port.
    #[error("failed to start the server")]
    Start(#[from] io::Error),
    /// No load.
    #[error("failed to generate the load")]
    Load(#[from] LoadError),
    /// The server ended too early.
    #[error(transparent)]
    Server(#[from] ServerGone),
}

/// Deploys a plan, measures it and takes it down again. Server and users have threads of their own.
///
/// # Errors
/// If the plan is out of bounds, or sockets, threads or descriptors are missing.
pub fn deploy(plan: &DeployPlan) -> Result<Measured, DeployError> {
    plan.check()?;
    let clock = MonotonicClock::start();
    let servers = runtime("server", plan.server_threads)?;
    let users = runtime("users", 1)?;
    let measured = measure(plan, clock, &servers, &users);
    users.shutdown_timeout(SHUTDOWN);
    servers.shutdown_timeout(SHUTDOWN);
    measured
}

fn measure(
    plan: &DeployPlan,
    clock: MonotonicClock,
    servers: &Runtime,
    users: &Runtime,
) -> Result<Measured, DeployError> {
    let options = ServerOptions::of(plan);
    let server = servers.block_on(Server::start(&options, Arc::new(clock)))?;
    let load = users.block_on(generator::generate(plan, server.address(), clock))?;
    let audit = servers.block_on(server.stop())?;
    Ok(Measured {
        name: plan.name.clone(),
        users: plan.users,
        connecting: load.connecting,
        warmup: plan.warmup,
        duration: plan.duration,
        clients: load.recorder,
        server: audit,
    })
}

fn runtime(name: &str, threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::small;

    #[test]
    fn a_small_deployment_delivers_all_it_owes() {
        let measured = deploy(&small()).unwrap();
        let clients = &measured.clients;
        assert!(clients.published > 0, "{measured}");
        assert_eq!(clients.owed, 8 * clients.published, "{measured}");
        assert_eq!(clients.received, clients.owed, "{measured}");
        let nothing = [
            measured.lost(),
            measured.unanswered(),
            clients.duplicated,
            clients.disconnected,
            clients.unsent,
        ];
        assert_eq!(nothing, [0; 5], "{measured}");
        assert_eq!(measured.server.store.queries, 2 * measured.server.published);
    }

    #[test]
    fn a_plan_out_of_bounds_opens_no_socket() {
        let plan = DeployPlan {
            servers: 2,
            ..small()
        };
        assert!(matches!(
            deploy(&plan),
            Err(DeployError::Plan(PlanError::Servers(2)))
        ));
    }
}
