//! M/G/1 exactly, and G/G/c nearly.
//!
//! Models: one server, first come, first served, service of mean S and squared coefficient of variation C². Pollaczek and
//! Khinchine: mean wait = ρ S (1 + C²) / (2 (1 − ρ)), exact for ρ < 1; M/D/1 is C² = 0, M/M/1 is C² = 1. Processor sharing:
//! mean response S / (1 − ρ), whatever C².
//!
//! Allen and Cunneen: the mean wait in G/G/c is that of M/M/c times (C²_arrivals + C²_service) / 2. Exact for M/M/c and M/G/1;
//! good to a few percent for Poisson arrivals and C² from ½ to 2 at ρ above 0.7, worse for few servers with long tails or
//! light load.
//! Leaves out: percentiles of M/G/1, which need the whole distribution. Source: Kleinrock, Queueing Systems I, section 5.6;
//! Allen, Probability, Statistics and Queueing Theory, 2nd ed., section 5.4.1.

use super::erlang::ManyServers;

/// A stable M/G/1 station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleServer {
    utilization: f64,
    service: f64,
    service_scv: f64,
}

impl SingleServer {
    /// A server with a mean service time of `service` and its squared coefficient of variation, and `rate` arrivals per unit of
    /// time; `None` if it cannot keep up.
    #[must_use]
    pub fn new(rate: f64, service: f64, service_scv: f64) -> Option<Self> {
        let utilization = rate * service;
        (0.0..1.0).contains(&utilization).then_some(SingleServer {
            utilization,
            service,
            service_scv,
        })
    }

    /// M/D/1: every service takes as long.
    #[must_use]
    pub fn deterministic(rate: f64, service: f64) -> Option<Self> {
        Self::new(rate, service, 0.0)
    }

    /// The mean wait, first come, first served.
    #[must_use]
    pub fn mean_wait(&self) -> f64 {
        self.utilization * self.service * (1.0 + self.service_scv)
            / (2.0 * (1.0 - self.utilization))
    }

    /// The mean time in the station, first come, first served.
    #[must_use]
    pub fn mean_response(&self) -> f64 {
        self.mean_wait() + self.service
    }

    /// The mean time in the station under processor sharing.
    #[must_use]
    pub fn mean_response_shared(&self) -> f64 {
        self.service / (1.0 - self.utilization)
    }

    /// The wait that a share `p` does not exceed, as if waits beyond zero were exponential: exact for M/M/1, nearly so in heavy
    /// traffic (Kingman).
    #[must_use]
    pub fn wait_quantile_nearly(&self, p: f64) -> f64 {
        let longer = 1.0 - p;
        if longer >= self.utilization {
            return 0.0;
        }
        libm::log(self.utilization / longer) * self.mean_wait() / self.utilization
    }
}

/// The mean wait in G/G/c after Allen and Cunneen; `None` if the servers cannot keep up.
#[must_use]
pub fn allen_cunneen_wait(
    servers: u32,
    rate: f64,
    service: f64,
    arrival_scv: f64,
    service_scv: f64,
) -> Option<f64> {
    let exponential = ManyServers::new(servers, rate, service)?;
    Some(exponential.mean_wait() * 0.5 * (arrival_scv + service_scv))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pollaczek_khinchine_is_the_published_table() {
        // Rows Y-MG1-*: mean time in the station in service times, at C² = 0, 1, 5, 20.
        for (rate, published) in [
            (0.5, [1.5, 2.0, 4.0, 11.5]),
            (0.8, [3.0, 5.0, 13.0, 43.0]),
            (0.9, [5.5, 10.0, 28.0, 95.5]),
        ] {
            for (scv, response) in [0.0, 1.0, 5.0, 20.0].into_iter().zip(published) {
                let station = SingleServer::new(rate, 1.0, scv).unwrap();
                assert!((station.mean_response() - response).abs() < 1e-9);
            }
            let shared = SingleServer::new(rate, 1.0, 20.0)
                .unwrap()
                .mean_response_shared();
            assert!((shared - published[1]).abs() < 1e-9);
        }
        let fixed = SingleServer::deterministic(0.8, 1.0).unwrap();
        assert!((fixed.mean_response() - 3.0).abs() < 1e-9);
        assert_eq!(SingleServer::new(1.0, 1.0, 1.0), None);
    }

    #[test]
    fn allen_cunneen_contains_the_exact_cases() {
        let one = SingleServer::new(0.8, 1.0, 5.0).unwrap();
        let same = allen_cunneen_wait(1, 0.8, 1.0, 1.0, 5.0).unwrap();
        assert!((one.mean_wait() / same - 1.0).abs() < 1e-12);
        let many = ManyServers::new(10, 8.0, 1.0).unwrap();
        let same = allen_cunneen_wait(10, 8.0, 1.0, 1.0, 1.0).unwrap();
        assert!((many.mean_wait() / same - 1.0).abs() < 1e-12);
        assert_eq!(allen_cunneen_wait(2, 2.0, 1.0, 1.0, 1.0), None);
        // M/M/1: P(wait ≤ w) = 0.9 at w = ln(8) · 5.
        let exponential = SingleServer::new(0.8, 1.0, 1.0).unwrap();
        assert!((exponential.wait_quantile_nearly(0.9) - 5.0 * libm::log(8.0)).abs() < 1e-9);
    }
}
