//! The engine's workloads beside its peers: CPU time of one thread, alternated repetitions,
//! medians, ratios within one run. Run with `cargo run --profile bench -p benchmarks`; `--quick`
//! takes fewer and shorter repetitions, a word restricts the run to workloads with that word, and
//! `--plimsoll=PATH` names a headless binary to be measured too.

mod cpu_clock;
mod deliveries;
mod headless;
mod hold;
mod queueing;
mod random;
mod system;

use headless::Headless;
use hold::{Delay, Hold};
use queueing::Queueing;
use sim_core::delivery::Kernel;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_wanted = |name: &str| wanted.is_none_or(|part| name.contains(part.as_str()));
    let (repetitions, share) = if quick { (3, 4) } else { (5, 1) };
    println!("CPU time of one thread, medians of {repetitions} alternated repetitions\n");
    println!("ns per item               ours  std heap   SimCore   NeXosim  ratios (required)");
    for delay in [Delay::Exp, Delay::Mix] {
        for (pending, required) in [(1_000, 2.3), (100_000, 9.0), (1_000_000, 14.0)] {
            let hold = Hold::new(pending, delay, 1_000_000 / share);
            let name = format!("hold {delay:?} {pending}").to_lowercase();
            if is_wanted(&name) {
                print_hold(
                    &name,
                    &hold,
                    repetitions,
                    (delay == Delay::Exp).then_some(required),
                );
            }
        }
    }
    for (servers, required) in [(1, Some((2.5, 10.0))), (16, None)] {
        let queueing = Queueing {
            servers,
            customers: 2_000_000 / share,
        };
        let name = format!("m/m/{servers}");
        if is_wanted(&name) {
            print_queueing(&name, &queueing, repetitions, required);
        }
    }
    if is_wanted("deliveries") {
        print_deliveries(2_000 / share, repetitions);
    }
    println!();
    for preset in system::PRESETS {
        if is_wanted(preset.name) {
            print_system(&preset, repetitions.min(3));
        }
    }
    let binary = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--plimsoll="));
    if let Some(path) = binary.filter(|_| is_wanted("headless")) {
        println!();
        print_headless(&Headless::new(path), if quick { 21 } else { 101 });
    }
}

fn print_headless(binary: &Headless, starts: usize) {
    println!(
        "headless binary       {:.1} MB, {:.1} ms CPU to start (median of {starts})",
        binary.size() as f64 / 1e6,
        binary.start_ms(starts)
    );
    for (preset, wanted) in [("team-chat", 10.0), ("team-chat-1m", 60.0)] {
        let run = binary.run(&["run", preset, "--format", "json", "--quiet"]);
        let number = |name: &str| run.number(name).unwrap_or(f64::NAN);
        println!(
            "run {preset:<18}{:.1} s CPU to ± {:.1} %{}; {:.0} s simulated, {:.1} s of it set-up",
            run.cpu_s,
            100.0 * number("reached"),
            verdict(run.cpu_s <= wanted, format!("at most {wanted} s to ± 5 %")),
            number("simulated_s"),
            number("setup_cpu_s"),
        );
    }
}

fn print_hold(name: &str, hold: &Hold, repetitions: usize, required: Option<f64>) {
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..repetitions {
        let ours = hold.ours();
        let others = [hold.std_heap(), hold.simcore(), hold.nexosim(&ours)];
        times[0].push(ours.ns_per_event);
        for (other, times) in others.iter().zip(&mut times[1..]) {
            assert_eq!(
                other.checksum, ours.checksum,
                "the contenders did different work"
            );
            times.push(other.ns_per_event);
        }
    }
    let medians = times.map(median);
    print_row(name, medians.map(Some));
    let ratio = |index: usize| medians[index] / medians[0];
    print!("  {:.1} × SimCore", ratio(2));
    if let Some(wanted) = required {
        print!("{}", verdict(ratio(2) >= wanted, format!("{wanted}")));
    }
    println!(", {:.1} × NeXosim", ratio(3));
}

fn print_queueing(
    name: &str,
    queueing: &Queueing,
    repetitions: usize,
    required: Option<(f64, f64)>,
) {
    let mut times = [const { Vec::new() }; 3];
    let mut wait_ms = 0.0;
    for _ in 0..repetitions {
        let ours = queueing.ours();
        let all = [ours, queueing.simcore(), queueing.nexosim(&ours)];
        for (outcome, times) in all.iter().zip(&mut times) {
            let off = (outcome.mean_wait_ms / ours.mean_wait_ms - 1.0).abs();
            assert!(off < 1e-3, "the contenders did different work: {all:?}");
            times.push(outcome.ns_per_customer);
        }
        wait_ms = ours.mean_wait_ms;
    }
    let [ours, simcore, nexosim] = times.map(median);
    print_row(name, [Some(ours), None, Some(simcore), Some(nexosim)]);
    let (mut by_simcore, mut by_nexosim) = (String::new(), String::new());
    if let Some((wanted_simcore, wanted_nexosim)) = required {
        by_simcore = verdict(
            simcore / ours >= wanted_simcore,
            format!("{wanted_simcore}"),
        );
        by_nexosim = verdict(
            nexosim / ours >= wanted_nexosim,
            format!("{wanted_nexosim}"),
        );
    }
    println!(
        "  {:.1} × SimCore{by_simcore}, {:.1} × NeXosim{by_nexosim}; mean wait {wait_ms:.4} ms",
        simcore / ours,
        nexosim / ours
    );
}

fn print_deliveries(messages: u64, repetitions: usize) {
    let mut kernels = vec![(Kernel::Plain, "deliveries, plain", 2.5)];
    if Kernel::avx2_available() {
        kernels.push((Kernel::Avx2, "deliveries, AVX2", 1.3));
    }
    let mut times = vec![Vec::new(); kernels.len()];
    let mut naive = Vec::new();
    let mut histogram = None;
    for _ in 0..repetitions {
        for (&(kernel, ..), times) in kernels.iter().zip(&mut times) {
            let outcome = deliveries::batched(kernel, messages);
            times.push(outcome.ns_per_delivery);
            let first = histogram.get_or_insert_with(|| outcome.histogram.clone());
            assert_eq!(*first, outcome.histogram, "the kernels differ");
        }
        naive.push(deliveries::naive(messages / 20 + 1).ns_per_delivery);
    }
    for ((_, name, wanted), times) in kernels.into_iter().zip(times) {
        let ns = median(times);
        print_row(name, [Some(ns), None, None, None]);
        println!("{}", verdict(ns <= wanted, format!("at most {wanted} ns")));
    }
    print_row("deliveries, naive", [Some(median(naive)), None, None, None]);
    println!();
    if let Some(histogram) = histogram {
        for (p, wanted) in [(0.5, 20.8), (0.99, 81.5), (0.999, 128.8)] {
            let ms = histogram
                .quantile(p)
                .map_or(0.0, |latency| latency.as_millis_f64());
            let verdict = verdict((ms / wanted - 1.0).abs() <= 0.01, format!("{wanted} ± 1 %"));
            println!("  p{} {ms:.2} ms{verdict}", p * 100.0);
        }
    }
}

fn print_system(preset: &system::Preset, repetitions: usize) {
    let mut times = [const { Vec::new() }; 3];
    let mut work = (0, 0);
    for _ in 0..repetitions {
        let ns_per_event = preset.queries_alone().ns_per_event();
        let whole = preset.whole();
        work = whole.work();
        for (times, value) in times.iter_mut().zip([
            whole.speed(),
            ns_per_event,
            whole.ns_per_delivery(ns_per_event),
        ]) {
            times.push(value);
        }
    }
    let [speed, event, delivery] = times.map(median);
    let wanted = match preset.name {
        "team-chat-1m" => verdict(speed >= 2.0, "at least 2".to_owned()),
        _ => String::new(),
    };
    println!(
        "{:<22}{speed:.2} simulated s per CPU s{wanted}; {event:.0} ns per event, {delivery:.1} ns per delivery ({:.1} M and {:.1} M in 10 s)",
        preset.name,
        work.0 as f64 / 1e6,
        work.1 as f64 / 1e6
    );
}

fn print_row(name: &str, values: [Option<f64>; 4]) {
    print!("{name:<22}");
    for (value, width) in values.into_iter().zip([8, 10, 10, 10]) {
        let text = value.map_or(String::new(), |ns| format!("{ns:.1}"));
        print!("{text:>width$}");
    }
}

fn verdict(met: bool, required: String) -> String {
    format!(" ({}: {required})", if met { "met" } else { "NOT MET" })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
