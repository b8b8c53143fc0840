//! Buffers of one worker, lent to whichever connection has something to read or to write.
//!
//! A connection that waits holds none, so ten thousand idle ones cost little; and the few that are in use go round so
//! quickly that they stay in the processor's cache.

use std::{cell::RefCell, rc::Rc};

use bytes::BytesMut;

/// Room of one buffer: a head with its small body, or a good piece of a large one.
const ROOM: usize = 16 * 1024;

/// The least that a read is given.
const LEAST: usize = 4 * 1024;

/// Buffers kept while nobody needs them.
const KEPT: usize = 64;

/// The buffers of one worker. Clones share them.
#[derive(Clone, Default)]
pub struct Buffers(Rc<RefCell<Vec<BytesMut>>>);

impl Buffers {
    /// Makes sure that there is room behind what `buffer` holds.
    pub fn make_room(&self, buffer: &mut BytesMut) {
        if buffer.capacity() - buffer.len() >= LEAST {
            return;
        }
        if buffer.is_empty()
            && let Some(kept) = self.0.borrow_mut().pop()
        {
            *buffer = kept;
            return;
        }
        buffer.reserve(ROOM);
    }

    /// Takes an empty buffer back. Where a head or a body still lies in it, it stays with its connection.
    pub fn give_back(&self, buffer: &mut BytesMut) {
        if !buffer.is_empty() || buffer.capacity() == 0 || !buffer.try_reclaim(ROOM) {
            return;
        }
        let buffer = std::mem::take(buffer);
        let mut kept = self.0.borrow_mut();
        // One that grew for a large body is not kept: it would stay that large for ever.
        if kept.len() < KEPT && buffer.capacity() <= 4 * ROOM {
            kept.push(buffer);
        }
    }
}

/// Buffers that messages are written in. Clones share them.
#[derive(Clone, Default)]
pub struct Outputs(Rc<RefCell<Vec<Vec<u8>>>>);

impl Outputs {
    /// An empty buffer.
    pub fn lend(&self) -> Vec<u8> {
        self.0.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(LEAST))
    }

    /// Takes a buffer back.
    pub fn take_back(&self, mut output: Vec<u8>) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < KEPT && (1..=4 * ROOM).contains(&output.capacity()) {
            output.clear();
            kept.push(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_goes_round_unless_part_of_it_is_still_held() {
        let buffers = Buffers::default();
        let mut first = BytesMut::new();
        buffers.make_room(&mut first);
        first.extend_from_slice(b"head");
        let head = first.split().freeze();
        buffers.give_back(&mut first);
        assert!(buffers.0.borrow().is_empty(), "the head still lies in it");
        drop(head);
        buffers.make_room(&mut first);
        buffers.give_back(&mut first);
        assert_eq!((buffers.0.borrow().len(), first.capacity()), (1, 0));
    }

    #[test]
    fn an_output_comes_back_empty() {
        let outputs = Outputs::default();
        let mut output = outputs.lend();
        output.extend_from_slice(b"HTTP/1.1 200 OK");
        let place = output.as_ptr();
        outputs.take_back(output);
        let again = outputs.lend();
        assert!(again.is_empty() && again.as_ptr() == place);
    }

    #[test]
    fn a_buffer_with_bytes_in_it_is_not_taken() {
        let (buffers, mut buffer) = (Buffers::default(), BytesMut::from(&b"next"[..]));
        buffers.give_back(&mut buffer);
        assert_eq!(&buffer[..], b"next");
    }
}
