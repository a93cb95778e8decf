//! Bytes of a chat message by codec, measured with the real libraries. The embedded table must equal what is measured here.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, FlushCompress};
use serde::Serialize;
use sim_core::cost::codecs;
use sim_core::draw::{Draws, Purpose};
use system_tests::repository;

const MESSAGES: u64 = 1_000;
const SEED: u64 = 1;

/// A chat message as most products send it: eight fields.
#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct Message {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    channel: String,
    #[prost(uint64, tag = "3")]
    author: u64,
    #[prost(string, tag = "4")]
    author_name: String,
    #[prost(uint64, tag = "5")]
    sent_at_ms: u64,
    #[prost(string, tag = "6")]
    text: String,
    #[prost(uint64, optional, tag = "7")]
    reply_to: Option<u64>,
    #[prost(message, repeated, tag = "8")]
    reactions: Vec<Reaction>,
}

#[derive(Clone, PartialEq, Serialize, prost::Message)]
struct Reaction {
    #[prost(string, tag = "1")]
    emoji: String,
    #[prost(uint32, tag = "2")]
    count: u32,
}

const WORDS: [&str; 40] = [
    "the", "build", "is", "green", "again", "can", "you", "look", "at", "this", "before", "lunch",
    "we", "moved", "meeting", "to", "three", "thanks", "for", "review", "deploy", "finished",
    "without", "errors", "who", "has", "access", "staging", "I", "will", "send", "notes", "after",
    "call", "nice", "work", "everyone", "see", "tomorrow", "ok",
];
const NAMES: [&str; 8] = [
    "ana", "Bao Tran", "chidi", "Dana K", "eva.m", "Farid", "grace", "Hiro",
];
const EMOJI: [&str; 4] = ["👍", "🎉", "❤", "👀"];

/// Message number `n`. Text: 1 to 32 words, 16 on average (about 90 characters); one in four replies; 0 to 4 reactions.
fn message(n: u64) -> Message {
    let draws = Draws::new(SEED);
    let draw = |ordinal: u64, below: u32| {
        (u64::from(draws.u32(Purpose::named("codec/message"), n, ordinal)) * u64::from(below)) >> 32
    };
    let words = 1 + draw(0, 32);
    let text: Vec<&str> = (0..words)
        .map(|word| WORDS[draw(100 + word, WORDS.len() as u32) as usize])
        .collect();
    let reactions = (0..draw(1, 5)).map(|reaction| Reaction {
        emoji: EMOJI[draw(200 + reaction, EMOJI.len() as u32) as usize].to_owned(),
        count: 1 + draw(210 + reaction, 20) as u32,
    });
    let id = 1_700_000_000_000_000 + n * 1_000 + draw(2, 1_000);
    Message {
        id,
        channel: format!("C{:08X}", draw(3, u32::MAX)),
        author: 10_000_000 + draw(4, 1_000_000),
        author_name: NAMES[draw(5, NAMES.len() as u32) as usize].to_owned(),
        sent_at_ms: 1_790_000_000_000 + n * 731,
        text: text.join(" "),
        reply_to: (draw(6, 4) == 0).then(|| id - 1 - draw(7, 1_000_000)),
        reactions: reactions.collect(),
    }
}

type Encode = fn(&Message) -> Vec<u8>;

const CODECS: [(&str, &str, Encode); 6] = [
    ("json", "serde_json", |m| serde_json::to_vec(m).unwrap()),
    ("messagepack", "rmp-serde, fields by name", |m| {
        rmp_serde::to_vec_named(m).unwrap()
    }),
    ("cbor", "ciborium, fields by name", |m| {
        let mut out = Vec::new();
        ciborium::into_writer(m, &mut out).unwrap();
        out
    }),
    ("messagepack_array", "rmp-serde, fields by position", |m| {
        rmp_serde::to_vec(m).unwrap()
    }),
    ("protobuf", "prost, fields by number", |m| {
        prost::Message::encode_to_vec(m)
    }),
    ("postcard", "postcard, fields by position", |m| {
        postcard::to_stdvec(m).unwrap()
    }),
];

/// Bytes of a message deflated alone.
fn deflated(bytes: &[u8]) -> usize {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

/// Bytes of messages deflated as one stream, flushed after each; the four bytes that a flush ends with are not sent.
fn deflated_stream(messages: &[Vec<u8>]) -> usize {
    let mut stream = Compress::new(Compression::new(6), false);
    let mut total = 0;
    for message in messages {
        let mut out = Vec::with_capacity(message.len() + 1_024);
        stream
            .compress_vec(message, &mut out, FlushCompress::Sync)
            .unwrap();
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "flushed in one go");
        total += out.len() - 4;
    }
    total
}

fn measured() -> String {
    let mut table = String::from(
        "# Bytes of 1 000 generated chat messages (eight fields, text of 1 to 32 words) by codec; deflate level 6.\n\
         # Source (Measured): tests/tests/codecs.rs, which fails when this table drifts.\n\
         codec\tlibrary\tbytes\tdeflated\tdeflated_stream\n",
    );
    for (name, library, encode) in CODECS {
        let encoded: Vec<Vec<u8>> = (0..MESSAGES).map(|n| encode(&message(n))).collect();
        let bytes: usize = encoded.iter().map(Vec::len).sum();
        let alone: usize = encoded.iter().map(|bytes| deflated(bytes)).sum();
        let stream = deflated_stream(&encoded);
        table.push_str(&format!("{name}\t{library}\t{bytes}\t{alone}\t{stream}\n"));
    }
    table
}

#[test]
fn the_embedded_table_is_what_the_libraries_write() {
    let path = repository().join("assets/codecs.tsv");
    let embedded = std::fs::read_to_string(&path).unwrap_or_default();
    let measured = measured();
    assert!(
        embedded == measured,
        "{} has drifted; measured now:\n{measured}",
        path.display()
    );
}

#[test]
fn c092_binary_codecs_against_json() {
    let json = &codecs()[0];
    println!(
        "c092: 1 000 chat messages, JSON {:.1} B a message",
        json.bytes_per_message()
    );
    let mut binary = Vec::new();
    for codec in codecs() {
        let saved = 1.0 - codec.relative_to(json);
        println!(
            "c092: {:<18} {:>6.1} B ({:>4.1} % less); {} B on the wire; deflated alone {:>6.1} B, as a stream {:>6.1} B",
            codec.name,
            codec.bytes_per_message(),
            saved * 100.0,
            codec.wire_bytes_per_message(),
            codec.deflated_bytes as f64 / 1e3,
            codec.deflated_stream_bytes as f64 / 1e3,
        );
        if codec.name != "json" {
            binary.push((codec.name.as_str(), saved));
        }
    }
    let within: Vec<&str> = binary
        .iter()
        .filter(|(_, saved)| (0.3..=0.7).contains(saved))
        .map(|(name, _)| *name)
        .collect();
    println!(
        "c092: 30 to 70 % holds when field names are not sent: {}",
        within.join(", ")
    );
    // The row's figure is that of codecs with a schema; those that repeat the field names save less.
    assert_eq!(within, ["messagepack_array", "protobuf", "postcard"]);
    assert!(binary.iter().all(|(_, saved)| *saved > 0.1));
}
