//! A client's connection as one task shares it: the stream, and what was read beyond the message at hand.
//!
//! The request's body reads while the answer is written, in the same task; each borrows the stream for one poll only.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::io::AsyncWrite;

use super::pace::Pace;
use crate::{
    buffers::Buffers,
    deadline::{Deadlines, Elapsed, Wait},
    message::Duplex,
    transport::Transport,
};

/// The shared connection. Clones are the same one.
#[derive(Clone)]
pub(super) struct Wire(Rc<Shared>);

struct Shared {
    transport: RefCell<Transport>,
    input: RefCell<BytesMut>,
    buffers: Buffers,
}

/// Bytes of the next request that are read ahead while one is being answered.
const READ_AHEAD: usize = 16 * 1024;

impl Wire {
    pub(super) fn new(transport: Transport, buffers: Buffers) -> Wire {
        Wire(Rc::new(Shared { transport: RefCell::new(transport), input: RefCell::default(), buffers }))
    }

    /// Works on what was read and not used yet.
    pub(super) fn with_input<T>(&self, work: impl FnOnce(&mut BytesMut) -> T) -> T {
        work(&mut self.0.input.borrow_mut())
    }

    /// Gives the input's buffer back where nothing is left in it: whoever waits for an answer needs none, and the next to
    /// read gets one that is still in the cache.
    pub(super) fn rest(&self) {
        self.0.transport.borrow_mut().give_back(&mut self.0.input.borrow_mut(), &self.0.buffers);
    }

    /// Reads more into the input; 0 is the end.
    pub(super) fn poll_fill(&self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.0.transport.borrow_mut().poll_fill(context, &mut self.0.input.borrow_mut(), &self.0.buffers)
    }

    /// Ready when the client has gone. What it sends meanwhile is kept, within bounds.
    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        while self.0.input.borrow().len() < READ_AHEAD {
            ready!(self.0.transport.borrow_mut().poll_readable(context));
            match ready!(self.poll_fill(context)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    pub(super) fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.transport.borrow_mut()).poll_write(context, bytes)
    }

    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.transport.borrow_mut()).poll_flush(context)
    }

    /// Writes as much of what is small as the client takes without being waited for, and says how much that was.
    pub(super) fn write_at_once(&self, bytes: &[u8]) -> usize {
        self.0.transport.borrow().write_at_once(bytes)
    }

    /// Writes all parts, one behind the other, in one call where the system takes them. The client has `patience` for each
    /// bit that it takes, and takes all of an answer at a `pace` that is no trickle.
    pub(super) async fn send(
        &self,
        parts: &[&[u8]; 3],
        deadlines: &Deadlines,
        patience: Duration,
        pace: &mut Pace,
    ) -> io::Result<()> {
        let whole = parts.iter().map(|part| part.len()).sum();
        let mut written = 0;
        let mut waiting = Waiting { deadlines, patience, pace, wait: deadlines.wait(), taken: 0 };
        poll_fn(|context| {
            while written < whole {
                let polled = self.0.transport.borrow_mut().poll_write_parts(context, parts, written);
                match polled {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(count)) => {
                        written += count;
                        waiting.moved(count)?;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return waiting.poll(context, &self.0.transport.borrow()),
                }
            }
            match self.poll_flush(context) {
                // TLS takes what it cannot write yet: only here a client that does not read is seen.
                Poll::Pending => waiting.poll(context, &self.0.transport.borrow()),
                flushed => {
                    waiting.pace.moved(deadlines.ticks(), 0);
                    flushed
                }
            }
        })
        .await
    }

    /// Ends a connection on which nothing happens, once it is dropped, in order.
    pub(super) fn take_leave(&self) {
        self.0.transport.borrow_mut().take_leave();
    }

    /// Makes the client see a broken connection rather than an ended one, once it is dropped.
    pub(super) fn reset_on_close(&self) {
        self.0.transport.borrow().reset_on_close();
    }

    /// Says that nothing more will be written.
    pub(super) async fn close_writing(&self) {
        let _ = poll_fn(|context| Pin::new(&mut *self.0.transport.borrow_mut()).poll_shutdown(context)).await;
    }
}

/// How one write waits for its client.
struct Waiting<'a> {
    deadlines: &'a Deadlines,
    patience: Duration,
    pace: &'a mut Pace,
    wait: Wait,
    /// Bytes below TLS that the system had taken when last looked at.
    taken: u64,
}

impl Waiting<'_> {
    /// The client took so many bytes, as far as can be seen.
    fn moved(&mut self, bytes: usize) -> io::Result<()> {
        self.wait.clear();
        match self.pace.moved(self.deadlines.ticks(), bytes).is_a_trickle() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }

    /// Ready when the client is waited for no longer.
    fn poll(&mut self, context: &Context<'_>, transport: &Transport) -> Poll<io::Result<()>> {
        if self.deadlines.is_given_up() {
            return Poll::Ready(Err(stopped()));
        }
        // What TLS holds was counted when it took it; that it gets on its way is still a move.
        if std::mem::replace(&mut self.taken, transport.taken_below()) != transport.taken_below() {
            self.moved(0)?;
        }
        self.pace.awaits(self.deadlines.ticks());
        self.wait.poll_elapsed(context, self.patience).map(|Elapsed| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The time to drain is up.
fn stopped() -> io::Error {
    io::Error::other("the gateway stopped")
}

/// What was read ahead is not read again: whoever takes the connection over takes the input with it.
impl Duplex for Wire {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.0.transport.borrow_mut().poll_fill(context, buffer, &self.0.buffers)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Wire::poll_write(self, context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Wire::poll_flush(self, context)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.transport.borrow_mut()).poll_shutdown(context)
    }

    fn reset_on_close(&self) {
        Wire::reset_on_close(self);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::transport::pair::{tight, tight_over_tls};

    /// Writes `size` bytes to a client whose every KiB takes so many `ticks`.
    async fn sent(
        transport: Transport,
        mut client: TcpStream,
        size: usize,
        ticks: u64,
        patience: Duration,
    ) -> io::Result<()> {
        let wire = Wire::new(transport, Buffers::default());
        let (deadlines, answer, mut pace) = (Deadlines::default(), vec![0; size], Pace::default());
        let parts = [answer.as_slice(), b"", b""];
        let reads = async {
            let (mut buffer, mut read) = (vec![0; 1024], 0);
            while let Ok(count @ 1..) = client.read(&mut buffer).await {
                read += count as u64;
                deadlines.advance(read * ticks / 1024);
            }
        };
        tokio::select! {
            sent = wire.send(&parts, &deadlines, patience, &mut pace) => sent,
            () = reads => Ok(()),
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    async fn sent_to_one_who_waits(ticks: u64) -> io::Result<()> {
        let (server, client) = tight().await;
        sent(Transport::plain(server), client, 1 << 20, ticks, HOUR).await
    }

    /// As much as TLS takes at once.
    async fn sent_over_tls(ticks: u64, patience: Duration) -> io::Result<()> {
        let (server, client) = tight_over_tls().await;
        sent(server, client, 60 * 1024, ticks, patience).await
    }

    #[tokio::test]
    async fn a_client_that_takes_an_answer_at_a_trickle_is_cut_off_and_a_slow_one_is_not() {
        assert!(sent_to_one_who_waits(0).await.is_ok());
        assert!(sent_to_one_who_waits(1).await.is_ok(), "a tenth of a second for each KiB");
        assert_eq!(sent_to_one_who_waits(300).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_leaves_tls_is_seen_as_what_a_client_takes() {
        let patience = Duration::from_secs(3);
        assert!(sent_over_tls(0, patience).await.is_ok());
        assert!(sent_over_tls(1, patience).await.is_ok(), "six seconds for all of it");
        assert_eq!(sent_over_tls(300, HOUR).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "a trickle");
    }

    #[tokio::test]
    async fn a_connection_whose_request_was_taken_holds_no_buffer_and_loses_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let wire = Wire::new(Transport::plain(listener.accept().await.unwrap().0), Buffers::default());
        for (sent, left) in [("head", ""), ("headnext", "next")] {
            client.write_all(sent.as_bytes()).await.unwrap();
            poll_fn(|context| wire.poll_fill(context)).await.unwrap();
            wire.with_input(|input| drop(input.split_to("head".len())));
            wire.rest();
            assert_eq!(wire.with_input(|input| input.clone()), left);
            assert_eq!(wire.with_input(|input| input.capacity() == 0), left.is_empty());
        }
    }
}
