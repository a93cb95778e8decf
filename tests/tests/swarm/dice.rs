//! Choices of one seed: SplitMix64, so that a printed seed gives the same scenario on any machine and in any version.

/// A source of choices.
pub struct Dice(u64);

impl Dice {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn from(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Whether something of so many per cent happens.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of several.
    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[(self.next() % of.len() as u64) as usize]
    }

    /// A whole number from `low` to `high` whose digits, not values, are even: as often 10 to 100 as 100 to 1 000.
    pub fn log(&mut self, low: u64, high: u64) -> u64 {
        let part = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let (from, to) = ((low as f64).ln(), (high as f64).ln());
        ((from + part * (to - from)).exp() as u64).clamp(low, high)
    }

    /// A time as a scenario writes it.
    pub fn us(&mut self, low: u64, high: u64) -> String {
        format!("\"{} us\"", self.log(low, high))
    }

    /// A time as a scenario writes it.
    pub fn ms(&mut self, low: u64, high: u64) -> String {
        format!("\"{} ms\"", self.log(low, high))
    }

    /// A share as a scenario writes it.
    pub fn share(&mut self, low: u64, high: u64) -> String {
        format!("\"{} %\"", self.from(low, high))
    }

    /// A switch.
    pub fn switch(&mut self) -> &'static str {
        self.pick(&["On", "Off"])
    }

    /// So many different ones of `all`, in any order.
    pub fn some<'a>(&mut self, all: &[&'a str], many: usize) -> Vec<&'a str> {
        let mut left = all.to_vec();
        let mut out = Vec::new();
        while out.len() < many && !left.is_empty() {
            out.push(left.swap_remove((self.next() % left.len() as u64) as usize));
        }
        out
    }

    /// A map from names to shares that add up to 100 %.
    pub fn shares(&mut self, names: &[&str]) -> String {
        let mut left = 100;
        let last = names.len() - 1;
        let entries: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let share = if i == last { left } else { self.from(0, left) };
                left -= share;
                format!("\"{name}\": \"{share} %\"")
            })
            .collect();
        format!("{{{}}}", entries.join(", "))
    }
}

/// Fields of a struct, written down one after the other.
#[derive(Default)]
pub struct Fields(Vec<String>);

impl Fields {
    /// One that is always there.
    pub fn set(&mut self, name: &str, value: impl std::fmt::Display) -> &mut Self {
        self.0.push(format!("{name}: {value}"));
        self
    }

    /// One that is there if there is a value.
    pub fn maybe(&mut self, name: &str, value: Option<impl std::fmt::Display>) -> &mut Self {
        if let Some(value) = value {
            self.set(name, value);
        }
        self
    }

    /// Each as it is written.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// `(a: 1, b: 2)`
    pub fn text(&self) -> String {
        format!("({})", self.0.join(", "))
    }

    /// One field per line.
    pub fn lines(&self) -> String {
        format!("(\n    {},\n)", self.0.join(",\n    "))
    }
}
