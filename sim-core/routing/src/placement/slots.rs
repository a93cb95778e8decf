//! Hash slots, as in a Redis cluster.
//!
//! *Models:* 16 384 slots; a key's slot is fixed by its bytes and a table says which node has it.
//! *Formula:* slot = CRC16-XMODEM(key) mod 16 384; if the key contains `{tag}` with a non-empty tag, only the
//! first such tag counts, so that related keys share a slot. *Leaves out:* MOVED and ASK redirections and the
//! copying of a slot. *Source:* Redis cluster specification: CRC16("123456789") = 0x31C3.

/// Number of slots.
pub const SLOTS: u16 = 16_384;

const TABLE: [u16; 256] = crc_table();

const fn crc_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = (i as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

/// CRC16-XMODEM (polynomial 0x1021, initial value 0).
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        crc << 8 ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)]
    })
}

/// The slot of a key.
#[must_use]
pub fn slot_of(key: &[u8]) -> u16 {
    crc16(hash_tag(key).unwrap_or(key)) % SLOTS
}

/// The slot of a numbered key: that of its decimal digits.
#[must_use]
pub fn slot_of_number(key: u64) -> u16 {
    let mut digits = [0u8; 20];
    let (mut at, mut rest) = (digits.len(), key);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return crc16(&digits[at..]) % SLOTS;
        }
    }
}

/// What stands between the first `{` and the next `}`, unless that is nothing.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|&byte| byte == b'{')? + 1;
    let len = key[open..].iter().position(|&byte| byte == b'}')?;
    (len > 0).then(|| &key[open..open + len])
}

/// Which node has which slot.
#[derive(Clone, Debug)]
pub struct SlotMap {
    owners: Vec<u32>,
}

impl SlotMap {
    /// Slots divided evenly, in contiguous ranges, over `nodes` in order; no owner without nodes.
    #[must_use]
    pub fn new(nodes: &[u32]) -> Self {
        if nodes.is_empty() {
            return Self { owners: Vec::new() };
        }
        let owner = |slot: usize| nodes[slot * nodes.len() / usize::from(SLOTS)];
        Self {
            owners: (0..usize::from(SLOTS)).map(owner).collect(),
        }
    }

    /// The owner of a slot.
    #[must_use]
    pub fn owner_of_slot(&self, slot: u16) -> Option<u32> {
        self.owners.get(usize::from(slot)).copied()
    }

    /// The owner of a key.
    #[must_use]
    pub fn owner(&self, key: &[u8]) -> Option<u32> {
        self.owner_of_slot(slot_of(key))
    }

    /// Gives a slot to another node.
    pub fn reassign(&mut self, slot: u16, node: u32) {
        assert!(slot < SLOTS, "slots are numbered below 16 384");
        if let Some(owner) = self.owners.get_mut(usize::from(slot)) {
            *owner = node;
        }
    }

    /// Brings in a node: it takes an even share of slots, from each of the others in proportion; no other
    /// slot moves. Returns the slots moved.
    pub fn add(&mut self, node: u32) -> usize {
        if self.owners.is_empty() {
            self.owners = vec![node; usize::from(SLOTS)];
            return self.owners.len();
        }
        let mut held = self.held();
        let target = self.owners.len() / (held.len() + 1);
        let mut moved = 0;
        for owner in self.owners.iter_mut().rev() {
            let count = held.entry(*owner).or_default();
            if moved < target && *count > target {
                *count -= 1;
                *owner = node;
                moved += 1;
            }
        }
        moved
    }

    /// Takes a node out: its slots go to the others, the emptiest first. Returns the slots moved.
    pub fn remove(&mut self, node: u32) -> usize {
        let mut held = self.held();
        held.remove(&node);
        let mut moved = 0;
        for i in 0..self.owners.len() {
            if self.owners[i] != node {
                continue;
            }
            let Some((&heir, _)) = held.iter().min_by_key(|&(id, count)| (*count, *id)) else {
                self.owners.clear();
                return moved;
            };
            *held.entry(heir).or_default() += 1;
            self.owners[i] = heir;
            moved += 1;
        }
        moved
    }

    fn held(&self) -> std::collections::BTreeMap<u32, usize> {
        let mut held = std::collections::BTreeMap::new();
        for owner in &self.owners {
            *held.entry(*owner).or_default() += 1;
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_follow_the_specification() {
        assert_eq!(hash_tag(b"{user1000}.following"), Some(&b"user1000"[..]));
        assert_eq!(hash_tag(b"foo{}{bar}"), None);
        assert_eq!(hash_tag(b"foo{{bar}}zap"), Some(&b"{bar"[..]));
        assert_eq!(hash_tag(b"foo{bar}{zap}"), Some(&b"bar"[..]));
        assert_eq!(hash_tag(b"foo{bar"), None);
    }

    #[test]
    fn a_number_is_its_digits() {
        for (number, digits) in [
            (0, "0"),
            (7, "7"),
            (123_456_789, "123456789"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(slot_of_number(number), slot_of(digits.as_bytes()));
        }
    }

    #[test]
    fn nodes_come_and_go_with_an_even_share() {
        let mut map = SlotMap::new(&[1, 2, 3]);
        assert_eq!(map.add(4), 4_096);
        assert!(map.held().values().all(|&count| count.abs_diff(4_096) <= 2));
        assert_eq!(map.remove(4), 4_096);
        assert!(map.held().values().all(|&count| count.abs_diff(5_461) <= 2));
        map.reassign(0, 9);
        assert_eq!(map.owner_of_slot(0), Some(9));
    }
}
