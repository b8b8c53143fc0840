//! Buffers of one worker, lent to whichever connection has something to read or to write.
//!
//! A connection that waits holds none, so ten thousand idle ones cost little; and the few that are in use go round so
//! quickly that they stay in the processor's cache. Where a read fills its buffer more is to come: the next is given a
//! large one, for then most of what a body costs is the number of calls. Only so many are out at once, or many slow
//! readers of large bodies would hold much memory between them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use bytes::BytesMut;

/// Room of one buffer: a head with its small body, or a good piece of a large one.
const ROOM: usize = 16 * 1024;

/// Room of a large one.
const LARGE: usize = 128 * 1024;

/// The least that a read is given.
const LEAST: usize = 4 * 1024;

/// Buffers kept while nobody needs them.
const KEPT: usize = 64;

/// The same of large ones.
const LARGE_KEPT: usize = 8;

/// Connections that may have a large buffer at once.
const LARGE_LENT: usize = 64;

/// The buffers of one worker. Clones share them.
#[derive(Clone, Default)]
pub struct Buffers(Rc<Shared>);

#[derive(Default)]
struct Shared {
    kept: RefCell<Vec<BytesMut>>,
    large: RefCell<Vec<BytesMut>>,
    large_lent: Rc<Cell<usize>>,
}

/// What one connection reads with: how much came the last time, and whether it has a large buffer.
#[derive(Debug, Default)]
pub struct Appetite {
    wants_large: bool,
    place: Option<Place>,
}

/// Counts a connection among those that have a large buffer.
#[derive(Debug)]
struct Place(Rc<Cell<usize>>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Appetite {
    /// Notes that a read brought `count` bytes into `room`.
    pub fn fed(&mut self, count: usize, room: usize) {
        // In between it stays as it is: large reads often come a little short of the whole.
        if count >= room {
            self.wants_large = true;
        } else if count < ROOM / 2 {
            self.wants_large = false;
        }
    }
}

impl Buffers {
    /// Makes sure that there is room behind what `buffer` holds.
    pub fn make_room(&self, buffer: &mut BytesMut, appetite: &mut Appetite) {
        if appetite.wants_large && self.make_large_room(buffer, appetite) {
            return;
        }
        if buffer.capacity() - buffer.len() >= LEAST {
            return;
        }
        let kept = if buffer.is_empty() { self.0.kept.borrow_mut().pop() } else { None };
        match kept {
            Some(kept) => *buffer = kept,
            None => buffer.reserve(ROOM),
        }
        // A large buffer that could not be used again is gone.
        if buffer.capacity() < LARGE {
            appetite.place = None;
        }
    }

    fn make_large_room(&self, buffer: &mut BytesMut, appetite: &mut Appetite) -> bool {
        if appetite.place.is_none() {
            let lent = &self.0.large_lent;
            if lent.get() >= LARGE_LENT {
                return false;
            }
            lent.set(lent.get() + 1);
            appetite.place = Some(Place(lent.clone()));
        }
        if !buffer.is_empty() {
            buffer.reserve(LARGE);
        } else if !buffer.try_reclaim(LARGE) {
            *buffer = self.0.large.borrow_mut().pop().unwrap_or_else(|| BytesMut::with_capacity(LARGE));
        }
        true
    }

    /// Takes an empty buffer back. Where a head or a body still lies in it, it stays with its connection.
    pub fn give_back(&self, buffer: &mut BytesMut, appetite: &mut Appetite) {
        let is_large = appetite.place.is_some();
        let (room, most) = if is_large { (LARGE, LARGE_KEPT) } else { (ROOM, KEPT) };
        if !buffer.is_empty() || buffer.capacity() == 0 || !buffer.try_reclaim(room) {
            return;
        }
        let buffer = std::mem::take(buffer);
        appetite.place = None;
        let mut kept = if is_large { self.0.large.borrow_mut() } else { self.0.kept.borrow_mut() };
        // One that grew for a large head is not kept: it would stay that large for ever.
        if kept.len() < most && buffer.capacity() <= 4 * room {
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

    /// A connection's buffer after a read that filled it and whose bytes are still on their way.
    fn read_full(buffers: &Buffers, buffer: &mut BytesMut, appetite: &mut Appetite) -> (usize, bytes::Bytes) {
        buffers.make_room(buffer, appetite);
        let room = buffer.capacity() - buffer.len();
        buffer.resize(buffer.capacity(), b'x');
        appetite.fed(room, room);
        (room, buffer.split().freeze())
    }

    #[test]
    fn a_buffer_goes_round_unless_part_of_it_is_still_held() {
        let (buffers, mut appetite) = (Buffers::default(), Appetite::default());
        let mut first = BytesMut::new();
        buffers.make_room(&mut first, &mut appetite);
        first.extend_from_slice(b"head");
        let head = first.split().freeze();
        buffers.give_back(&mut first, &mut appetite);
        assert!(buffers.0.kept.borrow().is_empty(), "the head still lies in it");
        drop(head);
        buffers.make_room(&mut first, &mut appetite);
        buffers.give_back(&mut first, &mut appetite);
        assert_eq!((buffers.0.kept.borrow().len(), first.capacity()), (1, 0));
    }

    #[test]
    fn a_read_that_fills_its_buffer_is_followed_by_a_large_one_and_a_short_one_ends_that() {
        let (buffers, mut buffer, mut appetite) = (Buffers::default(), BytesMut::new(), Appetite::default());
        let (first, piece) = read_full(&buffers, &mut buffer, &mut appetite);
        let (second, large) = read_full(&buffers, &mut buffer, &mut appetite);
        assert_eq!((first, second), (ROOM, LARGE));
        drop((piece, large));
        buffers.make_room(&mut buffer, &mut appetite);
        appetite.fed(100, LARGE);
        buffers.give_back(&mut buffer, &mut appetite);
        assert_eq!((buffer.capacity(), buffers.0.large.borrow().len(), buffers.0.large_lent.get()), (0, 1, 0));
        buffers.make_room(&mut buffer, &mut appetite);
        assert_eq!(buffer.capacity(), ROOM);
    }

    #[test]
    fn a_large_buffer_stays_with_its_connection_while_a_piece_of_it_is_on_its_way() {
        let (buffers, mut buffer, mut appetite) = (Buffers::default(), BytesMut::new(), Appetite::default());
        read_full(&buffers, &mut buffer, &mut appetite);
        let (_, piece) = read_full(&buffers, &mut buffer, &mut appetite);
        buffers.give_back(&mut buffer, &mut appetite);
        assert_eq!((buffers.0.large.borrow().len(), buffers.0.large_lent.get()), (0, 1));
        drop((piece, appetite));
        assert_eq!(buffers.0.large_lent.get(), 0, "a connection that goes counts no more");
    }

    #[test]
    fn only_so_many_large_buffers_are_out_at_once() {
        let buffers = Buffers::default();
        let mut rooms = Vec::new();
        let mut held = Vec::new();
        for _ in 0..LARGE_LENT + 3 {
            let (mut buffer, mut appetite) = (BytesMut::new(), Appetite::default());
            let (_, first) = read_full(&buffers, &mut buffer, &mut appetite);
            let (room, second) = read_full(&buffers, &mut buffer, &mut appetite);
            rooms.push(room);
            held.push((first, second, buffer, appetite));
        }
        assert_eq!(rooms.iter().filter(|room| **room == LARGE).count(), LARGE_LENT);
        assert_eq!(rooms.last(), Some(&ROOM));
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
        buffers.give_back(&mut buffer, &mut Appetite::default());
        assert_eq!(&buffer[..], b"next");
    }
}
