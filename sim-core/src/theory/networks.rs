//! Networks of exponential stations: tandems and closed loops.
//!
//! Models: *Jackson*: stations fed by Poisson arrivals, each exponential and first come, first served, behave as independent
//! M/M/c stations; the mean time through a tandem is the sum of theirs. Exact below saturation.
//!
//! *Closed loop* (mean value analysis): N jobs go round stations of demand D_i (visits times service) and think for Z between
//! rounds. Exactly, for n = 1 … N: R_i(n) = D_i (1 + Q_i(n − 1)) where jobs queue and D_i where they do not; X(n) = n / (Z + Σ R_i);
//! Q_i(n) = X R_i. Exact for exponential service at single first-come-first-served servers, and for any service under processor
//! sharing or without queueing.
//! Leaves out: several servers per closed station (approximate them by D/c queueing and D (1 − 1/c) delay, Seidmann), classes.
//! Source: Jackson 1957; Reiser and Lavenberg 1980.

use super::erlang::ManyServers;

/// The mean time through stations in a row, each given as (servers, mean service time), at `rate` arrivals per unit of time;
/// `None` if one cannot keep up.
#[must_use]
pub fn tandem_mean(rate: f64, stations: &[(u32, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    for &(servers, service) in stations {
        sum += ManyServers::new(servers, rate, service)?.mean_response();
    }
    Some(sum)
}

/// A station of a closed network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClosedStation {
    /// One server with a queue; the demand of one round.
    Queue(f64),
    /// No queue: everyone is served at once.
    Delay(f64),
}

impl ClosedStation {
    fn demand(self) -> f64 {
        match self {
            ClosedStation::Queue(demand) | ClosedStation::Delay(demand) => demand,
        }
    }
}

/// What a closed network does.
#[derive(Clone, Debug, PartialEq)]
pub struct Throughput {
    /// Rounds per unit of time, of all jobs together.
    pub rate: f64,
    /// The mean time of a round without thinking.
    pub response: f64,
    /// The mean number of jobs at each station.
    pub jobs: Vec<f64>,
}

/// A closed network of `jobs` that think for a mean of `think` between rounds through `stations`.
#[must_use]
pub fn closed_network(jobs: u32, think: f64, stations: &[ClosedStation]) -> Throughput {
    let mut network = Throughput {
        rate: 0.0,
        response: stations.iter().map(|station| station.demand()).sum(),
        jobs: vec![0.0; stations.len()],
    };
    for n in 1..=jobs {
        let responses: Vec<f64> = stations
            .iter()
            .zip(&network.jobs)
            .map(|(station, queued)| match *station {
                ClosedStation::Queue(demand) => demand * (1.0 + queued),
                ClosedStation::Delay(demand) => demand,
            })
            .collect();
        network.response = responses.iter().sum();
        network.rate = f64::from(n) / (think + network.response);
        for (jobs, response) in network.jobs.iter_mut().zip(responses) {
            *jobs = network.rate * response;
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tandem_adds_up() {
        let mean = tandem_mean(0.8, &[(1, 1.0), (1, 0.5), (2, 1.0)]).unwrap();
        let two = ManyServers::new(2, 0.8, 1.0).unwrap().mean_response();
        assert!((mean - (5.0 + 0.5 / 0.6 + two)).abs() < 1e-12);
        assert_eq!(tandem_mean(0.8, &[(1, 1.0), (1, 1.25)]), None);
    }

    #[test]
    fn mean_value_analysis_is_the_worked_example() {
        // Lazowska et al., Quantitative System Performance, section 6.4: demands 0.605 s at the CPU, 2.1 s and 1.35 s at two
        // disks, think time 15 s, three users.
        let stations = [
            ClosedStation::Queue(0.605),
            ClosedStation::Queue(2.1),
            ClosedStation::Queue(1.35),
        ];
        let three = closed_network(3, 15.0, &stations);
        assert!((three.rate - 0.152).abs() < 0.000_5, "{three:?}");
        assert!((three.response - 4.8).abs() < 0.1);
        // Little's law holds for everybody.
        let jobs: f64 = three.jobs.iter().sum();
        assert!((jobs + three.rate * 15.0 - 3.0).abs() < 1e-12);
        // One user meets nobody, and many are bound by the slowest station.
        assert!((closed_network(1, 15.0, &stations).response - 4.055).abs() < 1e-12);
        assert!((closed_network(500, 15.0, &stations).rate * 2.1 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_machine_repair_loop_is_a_finite_source_queue() {
        // M/M/1//N by its birth–death solution: N = 5, think 4, service 1.
        let (n, z) = (5, 4.0);
        let mut shares = vec![1.0_f64];
        for k in 0..n {
            shares.push(shares[k] * (n - k) as f64 / z);
        }
        let total: f64 = shares.iter().sum();
        let rate = 1.0 - shares[0] / total;
        let ours = closed_network(5, z, &[ClosedStation::Queue(1.0)]);
        assert!((ours.rate - rate).abs() < 1e-12);
        let delay = closed_network(5, z, &[ClosedStation::Delay(1.0)]);
        assert!((delay.rate - 1.0).abs() < 1e-12);
    }
}
