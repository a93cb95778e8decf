//! M/M/c: Poisson arrivals, exponential service, c servers, one queue.
//!
//! Models: offered load a = λ S, utilisation ρ = a / c.
//!
//! - Erlang B (blocked, no queue): B(0) = 1, B(k) = a B(k−1) / (k + a B(k−1)); exact for any service distribution.
//! - Erlang C (waits, ρ < 1): C = B / (1 − ρ (1 − B)); mean wait C S / (c (1 − ρ)); P(wait > t) = C e^{−(c − a) t / S}.
//! - M/M/c/K (at most K in the system, any ρ): p_k by recursion from the largest, blocking p_K.
//!
//! Leaves out: service that is not exponential ([`super::single_server`]), impatience. Source: Erlang 1917; Kleinrock, Queueing
//! Systems I, sections 3.5 and 3.6.

/// The share of arrivals that `servers` without a queue turn away at an offered load of `load` erlangs.
#[must_use]
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| {
        load * blocked / (f64::from(k) + load * blocked)
    })
}

/// The share of arrivals that wait for one of `servers`; `None` from a load of one erlang per server on.
#[must_use]
pub fn erlang_c(servers: u32, load: f64) -> Option<f64> {
    let utilization = load / f64::from(servers);
    if servers == 0 || !(0.0..1.0).contains(&utilization) {
        return None;
    }
    let blocked = erlang_b(servers, load);
    Some(blocked / (1.0 - utilization * (1.0 - blocked)))
}

/// A stable M/M/c station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ManyServers {
    servers: f64,
    load: f64,
    service: f64,
    waits: f64,
}

impl ManyServers {
    /// `servers` with a mean service time of `service` and `rate` arrivals per unit of time; `None` if they cannot keep up.
    #[must_use]
    pub fn new(servers: u32, rate: f64, service: f64) -> Option<Self> {
        let load = rate * service;
        Some(ManyServers {
            servers: f64::from(servers),
            load,
            service,
            waits: erlang_c(servers, load)?,
        })
    }

    /// The share of the time that a server is busy.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        self.load / self.servers
    }

    /// The share of arrivals that wait.
    #[must_use]
    pub fn share_waiting(&self) -> f64 {
        self.waits
    }

    /// The mean wait of all arrivals.
    #[must_use]
    pub fn mean_wait(&self) -> f64 {
        self.waits * self.service / (self.servers - self.load)
    }

    /// The mean time in the station.
    #[must_use]
    pub fn mean_response(&self) -> f64 {
        self.mean_wait() + self.service
    }

    /// The wait that a share `p` of arrivals does not exceed.
    #[must_use]
    pub fn wait_quantile(&self, p: f64) -> f64 {
        let longer = 1.0 - p;
        if longer >= self.waits {
            return 0.0;
        }
        libm::log(self.waits / longer) * self.service / (self.servers - self.load)
    }

    /// P(time in the station > t): service and, for those who wait, an exponential wait.
    #[must_use]
    pub fn response_survival(&self, t: f64) -> f64 {
        let (mu, drain) = (
            1.0 / self.service,
            (self.servers - self.load) / self.service,
        );
        let (own, both) = (libm::exp(-mu * t), libm::exp(-drain * t));
        let late = if (drain - mu).abs() < 1e-9 * mu {
            own * (1.0 + mu * t)
        } else {
            (drain * own - mu * both) / (drain - mu)
        };
        own * (1.0 - self.waits) + late * self.waits
    }

    /// The time in the station that a share `p` of arrivals does not exceed.
    #[must_use]
    pub fn response_quantile(&self, p: f64) -> f64 {
        let longer = 1.0 - p;
        let (mut low, mut high) = (0.0, self.mean_response());
        while self.response_survival(high) > longer {
            high *= 2.0;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if self.response_survival(middle) > longer {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }
}

/// An M/M/c/K station: arrivals that find `room` jobs in it are turned away.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteQueue {
    /// P(k jobs in the station), k = 0 … K.
    shares: Vec<f64>,
    servers: u32,
    rate: f64,
}

impl FiniteQueue {
    /// `servers` with a mean service time of `service`, room for `room` jobs in service and waiting, and `rate` arrivals per unit
    /// of time. `None` without servers or with less room than servers.
    #[must_use]
    pub fn new(servers: u32, room: u32, rate: f64, service: f64) -> Option<Self> {
        if servers == 0 || room < servers {
            return None;
        }
        let mut shares = vec![1.0];
        let mut total = 1.0;
        let mut share = 1.0;
        for k in 1..=room {
            share *= rate * service / f64::from(k.min(servers));
            if share > 1e200 {
                shares.iter_mut().for_each(|s| *s *= 1e-200);
                total *= 1e-200;
                share *= 1e-200;
            }
            shares.push(share);
            total += share;
        }
        shares.iter_mut().for_each(|s| *s /= total);
        Some(FiniteQueue {
            shares,
            servers,
            rate,
        })
    }

    /// The share of arrivals turned away.
    #[must_use]
    pub fn share_rejected(&self) -> f64 {
        self.shares.last().copied().unwrap_or(1.0)
    }

    /// The mean number in the station.
    #[must_use]
    pub fn mean_jobs(&self) -> f64 {
        let jobs = self.shares.iter().enumerate();
        jobs.map(|(k, share)| k as f64 * share).sum()
    }

    /// The mean time in the station of those not turned away, by Little's law.
    #[must_use]
    pub fn mean_response(&self) -> f64 {
        self.mean_jobs() / (self.rate * (1.0 - self.share_rejected()))
    }

    /// The share of the time that a server is busy.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        let busy = self.shares.iter().enumerate();
        let busy: f64 = busy
            .map(|(k, share)| f64::from(self.servers).min(k as f64) * share)
            .sum();
        busy / f64::from(self.servers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows Y-Erlang-* of published-cases.tsv: servers, load, B, C, mean wait in service times.
    const PUBLISHED: [(u32, f64, f64, f64, f64); 5] = [
        (1, 0.5, 0.333_333, 0.5, 1.0),
        (2, 1.0, 0.2, 0.333_333, 0.333_333),
        (10, 8.0, 0.121_661, 0.409_18, 0.204_59),
        (100, 90.0, 0.026_957, 0.216_94, 0.021_694),
        (200, 180.0, 0.010_325, 0.094_471, 0.004_724),
    ];

    #[test]
    fn erlang_b_and_c_are_the_published_ones() {
        for (servers, load, b, c, wait) in PUBLISHED {
            let station = ManyServers::new(servers, load, 1.0).unwrap();
            assert!((erlang_b(servers, load) / b - 1.0).abs() < 1e-4);
            assert!((station.share_waiting() / c - 1.0).abs() < 1e-4);
            assert!((station.mean_wait() / wait - 1.0).abs() < 2e-4);
        }
        assert_eq!(erlang_c(4, 4.0), None);
        assert_eq!(ManyServers::new(0, 0.0, 1.0), None);
    }

    #[test]
    fn one_server_has_an_exponential_response() {
        let station = ManyServers::new(1, 0.8, 1.0).unwrap();
        assert!((station.mean_response() - 5.0).abs() < 1e-12);
        // Row Y-MG1-0.8.
        assert!((station.response_quantile(0.99) - 23.026).abs() < 1e-3);
        assert_eq!(station.wait_quantile(0.1), 0.0);
        // P(wait ≤ w) = 0.9: 0.8 e^{−0.2 w} = 0.1.
        assert!((station.wait_quantile(0.9) - 5.0 * libm::log(8.0)).abs() < 1e-9);
    }

    #[test]
    fn response_quantiles_integrate_to_the_mean() {
        for (servers, load) in [(2, 1.0), (4, 3.2), (16, 15.2)] {
            let station = ManyServers::new(servers, load, 1.0).unwrap();
            let n = 20_000;
            let sum: f64 = (0..n)
                .map(|i| station.response_quantile((f64::from(i) + 0.5) / f64::from(n)))
                .sum();
            assert!((sum / f64::from(n) / station.mean_response() - 1.0).abs() < 1e-3);
        }
    }

    #[test]
    fn a_finite_queue_lies_between_erlang_b_and_erlang_c() {
        let loss = FiniteQueue::new(10, 10, 8.0, 1.0).unwrap();
        assert!((loss.share_rejected() / erlang_b(10, 8.0) - 1.0).abs() < 1e-12);
        assert!((loss.mean_response() - 1.0).abs() < 1e-12);
        let long = FiniteQueue::new(10, 2_000, 8.0, 1.0).unwrap();
        let endless = ManyServers::new(10, 8.0, 1.0).unwrap();
        assert!((long.mean_response() / endless.mean_response() - 1.0).abs() < 1e-9);
        // M/M/1/K at ρ = 1: all states alike (Kleinrock).
        let full = FiniteQueue::new(1, 4, 1.0, 1.0).unwrap();
        assert!((full.share_rejected() - 0.2).abs() < 1e-12);
        assert!((full.utilization() - 0.8).abs() < 1e-12);
        let overloaded = FiniteQueue::new(1, 5_000, 3.0, 1.0).unwrap();
        assert!((overloaded.share_rejected() - 2.0 / 3.0).abs() < 1e-9);
    }
}
