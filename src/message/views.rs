//! Messages in the form that signature schemes read: views, nothing copied.

use std::io;

use super::{Body, Spool};
use crate::{
    http1::{RequestHead, ResponseHead},
    scheme::{self, Headers, Spooled},
};

impl Body {
    /// As far as it is there: what still arrives is unread.
    pub fn view(&self) -> scheme::Body<'_> {
        match self {
            Body::Empty => scheme::Body::Memory(b""),
            Body::Bytes(bytes, _) => scheme::Body::Memory(bytes),
            Body::Spooled(spool) => scheme::Body::Spooled(spool),
            Body::Stream(_) => scheme::Body::Unread,
        }
    }
}

impl Headers for RequestHead {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        self.values(name).for_each(visit);
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.fields().for_each(|(name, _)| visit(name));
    }

    fn only(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.values(name);
        values.next().filter(|_| values.next().is_none())
    }
}

impl Headers for ResponseHead {
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        self.values(name).for_each(visit);
    }

    fn names(&self, visit: &mut dyn FnMut(&str)) {
        self.fields().for_each(|(name, _)| visit(name));
    }
}

impl Spooled for Spool {
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.read_all(visit)
    }
}
