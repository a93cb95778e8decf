//! What an event and a delivery cost inside whole systems.
//!
//! A preset runs twice: with its queries alone, which gives the cost of an event, and whole; what the whole takes beyond
//! its events is put on its deliveries. Copies cost more than other events, so this charges deliveries with the rest.

use sim_core::engine::Interrupt;
use sim_core::scenario::{Edit, load_str};
use sim_core::system::SystemRun;

use crate::cpu_clock::cpu_time_ns;

/// What a run took, set-up aside.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    simulated_s: f64,
    events: u64,
    deliveries: u64,
    cpu_ns: u64,
}

/// A preset that is simulated whole.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    text: &'static str,
}

/// Team chat, at 200 K and at 1 M users.
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "team-chat",
        text: include_str!("../../../presets/team-chat.ron"),
    },
    Preset {
        name: "team-chat-1m",
        text: include_str!("../../../presets/team-chat-1m.ron"),
    },
];

impl Preset {
    /// Runs it for ten simulated seconds without warm-up.
    pub fn whole(&self) -> Outcome {
        self.run(&[])
    }

    /// Runs it with hardly any messages.
    pub fn queries_alone(&self) -> Outcome {
        self.run(&[
            ("traffic.publish.rate", "0.001/h per user"),
            ("traffic.presence.rate", "0.001/h per user"),
        ])
    }

    fn run(&self, edits: &[(&str, &str)]) -> Outcome {
        let fixed = [("run.warmup", "0 s"), ("run.duration", "10 s")];
        let edits: Vec<Edit> = (edits.iter().chain(&fixed))
            .map(|&(path, value)| Edit::Set {
                path: path.to_owned(),
                value: value.to_owned(),
            })
            .collect();
        let scenario = load_str(self.text, self.name, &edits).expect("a valid preset");
        let mut system = SystemRun::new(&scenario).expect("a preset fits");
        let start = cpu_time_ns();
        let end = system.end();
        system.advance(end, None, &mut |_, _| Interrupt::Continue);
        let cpu_ns = cpu_time_ns() - start;
        let (events, deliveries) = system.work();
        Outcome {
            simulated_s: end.as_secs_f64(),
            events,
            deliveries,
            cpu_ns,
        }
    }
}

impl Outcome {
    /// Simulated seconds per CPU second.
    pub fn speed(&self) -> f64 {
        self.simulated_s / (self.cpu_ns as f64 / 1e9)
    }

    /// Events handled and deliveries computed.
    pub fn work(&self) -> (u64, u64) {
        (self.events, self.deliveries)
    }

    /// Nanoseconds per event.
    pub fn ns_per_event(&self) -> f64 {
        self.cpu_ns as f64 / self.events as f64
    }

    /// Nanoseconds per delivery, when an event takes `ns_per_event`.
    pub fn ns_per_delivery(&self, ns_per_event: f64) -> f64 {
        (self.cpu_ns as f64 - self.events as f64 * ns_per_event) / self.deliveries as f64
    }
}
