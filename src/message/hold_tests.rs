//! What holding a body promises, piece by piece.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use super::*;
use crate::message::BodyStream;

struct Pieces(VecDeque<Bytes>, Option<u64>);

impl BodyStream for Pieces {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn length(&self) -> Option<u64> {
        self.1
    }
}

fn stream(pieces: &[usize]) -> Body {
    Body::Stream(Box::new(Pieces(pieces.iter().map(|n| Bytes::from(vec![b'x'; *n])).collect(), None)))
}

fn budgets(memory: u64, spool: u64) -> Budgets {
    Budgets { memory: Budget::new(memory), spool: Budget::new(spool), directory: None }
}

const LIMITS: HoldLimits = HoldLimits { body: 100, memory: 10, may_spool: true };

#[tokio::test]
async fn a_small_body_stays_in_memory_and_gives_its_share_back() {
    let budgets = budgets(1000, 1000);
    let held = hold(stream(&[4, 6]), LIMITS, &budgets).await.unwrap();
    assert!(matches!(&held, Body::Bytes(bytes, _) if bytes.len() == 10));
    assert_eq!(budgets.memory.used(), 10);
    drop(held);
    assert_eq!(budgets.memory.used(), 0);
}

#[tokio::test]
async fn a_larger_body_goes_to_a_file_and_reads_back_whole() {
    let budgets = budgets(1000, 1000);
    let mut held = hold(stream(&[4, 6, 1, 50]), LIMITS, &budgets).await.unwrap();
    let Body::Spooled(spool) = &held else { panic!("not spooled: {held:?}") };
    let mut seen = 0;
    spool.read_all(&mut |piece| seen += piece.len()).unwrap();
    assert_eq!((seen, budgets.memory.used(), budgets.spool.used()), (61, 0, 61));
    let mut streamed = 0;
    while let Some(piece) = held.next().await {
        streamed += piece.unwrap().len();
    }
    assert_eq!(streamed, 61);
    drop(held);
    assert_eq!(budgets.spool.used(), 0);
}

#[tokio::test]
async fn pieces_of_any_size_lie_in_the_file_in_order() {
    let sizes = [1, 11, 1, 65_536, 1, 3, 65_535, 1, 200_000, 7];
    let whole: Vec<u8> =
        (0..sizes.iter().sum::<usize>()).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect();
    let mut rest = Bytes::from(whole.clone());
    let pieces = sizes.iter().map(|size| rest.split_to(*size)).collect();
    let limits = HoldLimits { body: 1 << 20, ..LIMITS };
    let budgets = budgets(1000, 1 << 20);
    let held = hold(Body::Stream(Box::new(Pieces(pieces, None))), limits, &budgets).await.unwrap();
    let Body::Spooled(spool) = &held else { panic!("not spooled: {held:?}") };
    let mut seen = Vec::new();
    spool.read_all(&mut |piece| seen.extend_from_slice(piece)).unwrap();
    assert!(seen == whole);
}

#[tokio::test]
async fn beyond_the_limit_it_is_refused_and_nothing_stays_reserved() {
    let budgets = budgets(1000, 1000);
    let refused = hold(stream(&[60, 60]), LIMITS, &budgets).await;
    assert!(matches!(refused, Err(HoldError::TooLarge { limit: 100 })));
    assert_eq!((budgets.memory.used(), budgets.spool.used()), (0, 0));
}

#[tokio::test]
async fn a_body_that_must_be_parsed_is_never_spooled() {
    let limits = HoldLimits { may_spool: false, ..LIMITS };
    for pieces in [[6, 6].as_slice(), &[11]] {
        let refused = hold(stream(pieces), limits, &budgets(1000, 1000)).await;
        assert!(matches!(refused, Err(HoldError::TooLargeToRead { limit: 10 })));
    }
    let limits = HoldLimits { body: 5, ..limits };
    assert!(matches!(hold(stream(&[6]), limits, &budgets(1000, 1000)).await, Err(HoldError::TooLarge { limit: 5 })));
}

#[tokio::test]
async fn a_used_up_budget_refuses() {
    assert!(matches!(hold(stream(&[5, 5]), LIMITS, &budgets(9, 1000)).await, Err(HoldError::NoRoom("memory"))));
    assert!(matches!(hold(stream(&[5, 6]), LIMITS, &budgets(1000, 9)).await, Err(HoldError::NoRoom("spool"))));
}

#[test]
fn an_announced_length_reserves_little_before_it_has_come() {
    let body = Body::Stream(Box::new(Pieces(VecDeque::new(), Some(60_000))));
    let limits = HoldLimits { body: 100_000, memory: 65_536, may_spool: true };
    let budgets = budgets(1000, 1000);
    let holding = Holding { body, limits, ceiling: 100_000, budgets: &budgets, share: budgets.memory.share() };
    assert_eq!(holding.expected(2), 16);
    assert_eq!(holding.expected(16_384), 60_000);
}

#[tokio::test]
async fn a_budget_that_is_resized_still_counts_what_was_taken_before() {
    let budgets = budgets(10, 0);
    let held = hold(stream(&[6, 4]), LIMITS, &budgets).await.unwrap();
    budgets.memory.resize(15);
    assert!(matches!(hold(stream(&[6, 4]), LIMITS, &budgets).await, Err(HoldError::NoRoom(_))));
    budgets.memory.resize(20);
    assert!(hold(stream(&[6, 4]), LIMITS, &budgets).await.is_ok());
    budgets.memory.resize(5);
    assert_eq!(budgets.memory.used(), 10);
    drop(held);
    assert_eq!(budgets.memory.used(), 0);
}
