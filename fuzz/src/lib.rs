//! What the codec's targets share: the two readers that the integration tests compare too, and ways to cut an input.

#[path = "../../tests/it/http1_oracle/readers/mod.rs"]
pub mod readers;

use countersign::http1::Limits;

/// Limits that short inputs can run into.
pub const NARROW: Limits = Limits { head: 200, headers: 5, chunk_overhead: 20 };

/// The input in pieces of 1 to 16 bytes whose sizes only the input decides, so that a crash can be tried again.
pub fn in_pieces(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let mut rest = input;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let size = 1 + usize::from(state.to_be_bytes()[0] % 16);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}
