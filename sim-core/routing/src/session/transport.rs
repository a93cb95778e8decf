//! Transports: what a message costs on the wire, and how often clients must ask.
//!
//! *Models:* WebSocket, server-sent events, long polling and polling over TLS 1.3 and TCP. *Formula:* bytes on
//! the wire = payload + framing + 22 per TLS record (of up to 16 KiB) + 52 per TCP segment (of up to 1 448
//! bytes); poll requests per second = 1 / interval, of which e^(−λ · interval) find nothing at λ messages per
//! second. Long polling asks once per answer or timeout: (λ / (1 − e^(−λ·timeout))) requests per second.
//! *Leaves out:* acknowledgements, retransmission, compression, Ethernet, HTTP/2 multiplexing.
//! *Source:* RFC 6455 section 5.2 (frame headers), RFC 8446 (record overhead), RFC 9112 (chunked coding).

/// How a client is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Frames both ways over one connection.
    WebSocket,
    /// An event stream down; a request for each message up.
    Sse,
    /// A request waits until there is a message or it times out.
    LongPoll {
        /// How long a request waits, in nanoseconds.
        timeout_ns: u64,
    },
    /// A request at every interval.
    Poll {
        /// Between two requests, in nanoseconds.
        interval_ns: u64,
    },
}

/// Bytes added to each TLS record: header 5, tag 16, content type 1.
pub const TLS_RECORD: u64 = 22;
/// Bytes added to each segment: IPv4 20, TCP 20, timestamps 12.
pub const TCP_SEGMENT: u64 = 52;
/// Payload of a full segment (1 500 bytes of Ethernet payload).
pub const SEGMENT_PAYLOAD: u64 = 1_448;
/// Plaintext of a full TLS record.
pub const RECORD_PAYLOAD: u64 = 16_384;
/// Header bytes of a small HTTP/1.1 request with a cookie (assumed).
pub const HTTP_REQUEST: u64 = 500;
/// Header bytes of a small HTTP/1.1 response (assumed).
pub const HTTP_RESPONSE: u64 = 250;
/// Bytes of a WebSocket upgrade, request and response (500 to 1 000 observed).
pub const UPGRADE: u64 = 750;
/// Bytes of a full TLS handshake with certificates (3 to 5 KB observed).
pub const TLS_HANDSHAKE: u64 = 4_000;
/// `data: ` before and two line feeds after each event.
const SSE_FIELD: u64 = 8;
/// Two line breaks of a chunk; its length is added in hexadecimal digits.
const CHUNK: u64 = 4;

/// The header of an unmasked frame, server to client: 2, 4 or 10 bytes.
#[must_use]
pub const fn frame_header(payload: u64) -> u64 {
    match payload {
        0..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    }
}

/// The header of a masked frame, client to server: four bytes more.
#[must_use]
pub const fn masked_frame_header(payload: u64) -> u64 {
    frame_header(payload) + 4
}

/// Bytes on the wire for `plain` bytes written at once over TLS and TCP.
#[must_use]
pub const fn on_wire(plain: u64) -> u64 {
    let sealed = plain + TLS_RECORD * plain.div_ceil(RECORD_PAYLOAD);
    sealed + TCP_SEGMENT * sealed.div_ceil(SEGMENT_PAYLOAD)
}

impl Transport {
    /// Framing bytes around a payload sent down, above TLS. A poll's answer carries the response header.
    #[must_use]
    pub const fn framing_down(self, payload: u64) -> u64 {
        match self {
            Self::WebSocket => frame_header(payload),
            Self::Sse => SSE_FIELD + CHUNK + hex_digits(payload + SSE_FIELD),
            Self::LongPoll { .. } | Self::Poll { .. } => HTTP_RESPONSE,
        }
    }

    /// Framing bytes around a payload sent up, above TLS. All but WebSocket send a request.
    #[must_use]
    pub const fn framing_up(self, payload: u64) -> u64 {
        match self {
            Self::WebSocket => masked_frame_header(payload),
            Self::Sse | Self::LongPoll { .. } | Self::Poll { .. } => HTTP_REQUEST,
        }
    }

    /// Bytes on the wire, server to client, for a message of `payload` bytes written alone.
    #[must_use]
    pub const fn bytes_down(self, payload: u64) -> u64 {
        on_wire(payload + self.framing_down(payload))
    }

    /// Bytes on the wire, client to server, for a message of `payload` bytes.
    #[must_use]
    pub const fn bytes_up(self, payload: u64) -> u64 {
        on_wire(payload + self.framing_up(payload))
    }

    /// Bytes to open a connection, both ways.
    #[must_use]
    pub const fn bytes_to_connect(self) -> u64 {
        match self {
            Self::WebSocket => TLS_HANDSHAKE + UPGRADE,
            Self::Sse => TLS_HANDSHAKE + HTTP_REQUEST + HTTP_RESPONSE,
            Self::LongPoll { .. } | Self::Poll { .. } => TLS_HANDSHAKE,
        }
    }

    /// Requests per second and client to receive `messages_per_s` (Poisson arrivals); 0 for streams.
    #[must_use]
    pub fn requests_per_s(self, messages_per_s: f64) -> f64 {
        match self {
            Self::WebSocket | Self::Sse => 0.0,
            Self::Poll { interval_ns } => 1e9 / interval_ns as f64,
            Self::LongPoll { timeout_ns } => {
                let timeout_s = timeout_ns as f64 / 1e9;
                if messages_per_s <= 0.0 {
                    return 1.0 / timeout_s;
                }
                messages_per_s / -libm::expm1(-messages_per_s * timeout_s)
            }
        }
    }

    /// Requests per second and client that find nothing.
    #[must_use]
    pub fn wasted_requests_per_s(self, messages_per_s: f64) -> f64 {
        let waits_ns = match self {
            Self::WebSocket | Self::Sse => return 0.0,
            Self::Poll { interval_ns } => interval_ns,
            Self::LongPoll { timeout_ns } => timeout_ns,
        };
        self.requests_per_s(messages_per_s)
            * libm::exp(-messages_per_s.max(0.0) * waits_ns as f64 / 1e9)
    }

    /// Mean wait of a message for its client to ask, in nanoseconds: half an interval when polling, else 0.
    #[must_use]
    pub const fn mean_wait_ns(self) -> u64 {
        match self {
            Self::Poll { interval_ns } => interval_ns / 2,
            _ => 0,
        }
    }
}

const fn hex_digits(n: u64) -> u64 {
    (67 - (n | 1).leading_zeros() as u64) / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_headers_follow_rfc_6455() {
        assert_eq!([125, 126, 65_535, 65_536].map(frame_header), [2, 4, 4, 10]);
        assert_eq!([125, 126, 65_536].map(masked_frame_header), [6, 8, 14]);
        assert_eq!([1, 15, 16, 255, 256].map(hex_digits), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_small_message_costs_what_was_observed() {
        // 512 bytes were observed as 609 on the wire, 574 of them above TCP (unit-costs.tsv).
        let framed = Transport::WebSocket.bytes_down(512);
        assert_eq!(framed, 512 + 4 + TLS_RECORD + TCP_SEGMENT);
        assert!(framed.abs_diff(609) < 25, "{framed}");
        assert!(
            Transport::Poll { interval_ns: 1 }.bytes_down(512) > Transport::Sse.bytes_down(512)
        );
    }

    #[test]
    fn large_messages_take_more_segments_and_records() {
        assert_eq!(on_wire(0), 0);
        assert_eq!(on_wire(20_000), 20_000 + 2 * TLS_RECORD + 14 * TCP_SEGMENT);
    }

    #[test]
    fn polls_are_wasted_as_poisson_says() {
        let poll = Transport::Poll {
            interval_ns: 5_000_000_000,
        };
        assert!((poll.requests_per_s(0.1) - 0.2).abs() < 1e-12);
        assert!((poll.wasted_requests_per_s(0.1) - 0.2 * 0.606_530_659_7).abs() < 1e-9);
        let long = Transport::LongPoll {
            timeout_ns: 30_000_000_000,
        };
        let useful = long.requests_per_s(0.1) - long.wasted_requests_per_s(0.1);
        assert!(
            (useful - 0.1).abs() < 1e-12,
            "each message is answered once"
        );
        assert!((long.requests_per_s(0.0) - 1.0 / 30.0).abs() < 1e-12);
    }
}
