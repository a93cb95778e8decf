//! Bytes of a chat message by codec, measured.
//!
//! The table `assets/codecs.tsv` holds bytes of 1 000 generated messages of one schema, encoded by the real libraries; the
//! test `tests/tests/codecs.rs` encodes them again and fails when the table has drifted. `deflated`: each message alone
//! (permessage-deflate without context takeover); `deflated_stream`: one compressor per connection, flushed after each.
//! *Leaves out:* CPU time and compressor memory (256 KB and more a connection with zlib's defaults); other schemas.

use std::sync::OnceLock;

use super::book::{BookError, rows};

/// A way to write a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// `json`, `messagepack`, `cbor`, `messagepack_array`, `protobuf`, `postcard`
    pub name: String,
    /// The library that wrote the bytes.
    pub library: String,
    /// Bytes of 1 000 messages.
    pub bytes: u64,
    /// The same, each deflated alone, level 6.
    pub deflated_bytes: u64,
    /// The same, deflated as one stream per connection, level 6.
    pub deflated_stream_bytes: u64,
}

impl Codec {
    /// Bytes of one message, on average.
    #[must_use]
    pub fn bytes_per_message(&self) -> f64 {
        self.bytes as f64 / 1_000.0
    }

    /// Bytes of one message on the wire to a client, framing and headers included: what egress is billed by.
    #[must_use]
    pub fn wire_bytes_per_message(&self) -> u64 {
        let payload = libm::round(self.bytes_per_message()) as u64;
        routing::session::Transport::WebSocket.bytes_down(payload)
    }

    /// Size relative to another codec.
    #[must_use]
    pub fn relative_to(&self, other: &Codec) -> f64 {
        self.bytes as f64 / other.bytes.max(1) as f64
    }
}

/// The measured codecs, in file order: JSON first.
#[must_use]
pub fn codecs() -> &'static [Codec] {
    static CODECS: OnceLock<Vec<Codec>> = OnceLock::new();
    CODECS.get_or_init(|| {
        parse(include_str!("../../../assets/codecs.tsv"))
            .unwrap_or_else(|problem| panic!("the embedded codec table does not parse: {problem}"))
    })
}

/// A measured codec by name.
#[must_use]
pub fn codec(name: &str) -> Option<&'static Codec> {
    codecs().iter().find(|codec| codec.name == name)
}

fn parse(text: &str) -> Result<Vec<Codec>, BookError> {
    rows("codecs.tsv", text)
        .map(|row| {
            Ok(Codec {
                name: row.text(0)?.to_owned(),
                library: row.text(1)?.to_owned(),
                bytes: row.whole(2)?.unwrap_or(0),
                deflated_bytes: row.whole(3)?.unwrap_or(0),
                deflated_stream_bytes: row.whole(4)?.unwrap_or(0),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_starts_with_json_and_every_codec_is_smaller() {
        let json = &codecs()[0];
        assert_eq!(json.name, "json");
        assert_eq!(codecs().len(), 6);
        for other in &codecs()[1..] {
            assert!(other.relative_to(json) < 1.0, "{}", other.name);
        }
        assert!(codec("postcard").is_some());
    }
}
