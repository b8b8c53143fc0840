//! A byte stream, plain or TLS, so that the path of a request is one code for both.

#[cfg(test)]
pub(crate) mod pair;
mod socket;

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use rustix::net::SendFlags;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsStream;

pub use self::socket::Socket;
use crate::buffers::{Appetite, Buffers};

/// A connection to a client or an upstream.
#[derive(Debug)]
pub struct Transport {
    stream: Stream,
    appetite: Appetite,
}

/// What a socket nearly always has room for. Of more it may take a part, and then it is not to be asked again at once.
const AT_ONCE: usize = 8 * 1024;

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<Socket>>),
}

impl Transport {
    /// TCP.
    pub fn plain(tcp: TcpStream) -> Transport {
        Transport { stream: Stream::Plain(tcp), appetite: Appetite::default() }
    }

    /// TLS over TCP.
    pub fn tls(tls: TlsStream<Socket>) -> Transport {
        Transport { stream: Stream::Tls(Box::new(tls)), appetite: Appetite::default() }
    }

    /// Reads what has come into the end of `buffer`, which is lent room for as long as it holds something. 0 is the end
    /// of the stream.
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        buffers: &Buffers,
    ) -> Poll<io::Result<usize>> {
        if !self.may_be_readable() && self.poll_readable(context).is_pending() {
            // Most waits begin here: nothing is lent for them.
            self.give_back(buffer, buffers);
            return Poll::Pending;
        }
        buffers.make_room(buffer, &mut self.appetite);
        let room = buffer.capacity() - buffer.len();
        let read = pin!(self.read_buf(buffer)).poll(context);
        match read {
            Poll::Ready(Ok(0)) | Poll::Pending => self.give_back(buffer, buffers),
            Poll::Ready(Ok(count)) => self.appetite.fed(count, room),
            Poll::Ready(Err(_)) => {}
        }
        read
    }

    /// The certificate that the peer showed and that was verified, as DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => tls.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref),
        }
    }

    /// Whether a write that fails wrote nothing. TLS may have put a part of its records on the wire before it failed.
    pub fn fails_whole(&self) -> bool {
        matches!(self.stream, Stream::Plain(_))
    }

    /// Bytes below TLS that the system took, in all: what is written to TLS may wait there. 0 where there is none, and what
    /// is written is taken.
    pub fn taken_below(&self) -> u64 {
        match &self.stream {
            Stream::Plain(_) => 0,
            Stream::Tls(tls) => tls.get_ref().0.taken(),
        }
    }

    /// Writes some of `parts`, taken one behind the other, from their byte `from` on: in one call where several are left.
    pub fn poll_write_parts(
        &mut self,
        context: &mut Context<'_>,
        parts: &[&[u8]; 3],
        mut from: usize,
    ) -> Poll<io::Result<usize>> {
        // Most messages are one part, and small enough to be taken at once.
        if let [only, [], []] = parts {
            let rest = only.get(from..).unwrap_or_default();
            return match self.write_at_once(rest) {
                0 => Pin::new(self).poll_write(context, rest),
                count => Poll::Ready(Ok(count)),
            };
        }
        let left = parts.map(|part| {
            let skipped = from.min(part.len());
            from -= skipped;
            part.get(skipped..).unwrap_or_default()
        });
        let stream = Pin::new(self);
        match left {
            [only, [], []] | [[], only, []] | [[], [], only] => stream.poll_write(context, only),
            several => stream.poll_write_vectored(context, &several.map(io::IoSlice::new)),
        }
    }

    /// Writes as much of what is small as the socket takes without being waited for, and says how much that was. Nothing
    /// of what is large, over TLS, or where a write fails: whoever writes on finds out.
    pub fn write_at_once(&self, bytes: &[u8]) -> usize {
        match &self.stream {
            // The bare call: libc's makes every write a place where its thread may be cancelled, which costs two locked
            // instructions.
            Stream::Plain(tcp) if bytes.len() <= AT_ONCE => {
                let write = || Ok(rustix::net::send(tcp, bytes, SendFlags::NOSIGNAL)?);
                tcp.try_io(Interest::WRITABLE, write).unwrap_or(0)
            }
            Stream::Plain(_) | Stream::Tls(_) => 0,
        }
    }

    /// Gives a buffer back that nothing is read into for a while.
    pub fn give_back(&mut self, buffer: &mut BytesMut, buffers: &Buffers) {
        buffers.give_back(buffer, &mut self.appetite);
    }

    /// Whether a read may bring something. It asks no one to be woken, and costs next to nothing. TLS may always.
    pub fn may_be_readable(&self) -> bool {
        match &self.stream {
            // What says that all went well leaves the readiness as it is.
            Stream::Plain(tcp) => tcp.try_io(Interest::READABLE, || Ok(())).is_ok(),
            Stream::Tls(_) => true,
        }
    }

    /// Whether a read is worth a try: for who mostly waits and needs no room while it does. TLS is always worth one.
    pub fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &self.stream {
            Stream::Plain(tcp) => tcp.poll_read_ready(context).map(|_| ()),
            Stream::Tls(_) => Poll::Ready(()),
        }
    }

    /// Says that no more follows, where there is a word for it, for as much as the socket takes at once: whoever ends a
    /// connection on which nothing happens waits for nobody. TCP says it by being closed.
    pub fn take_leave(&mut self) {
        if let Stream::Tls(tls) = &mut self.stream {
            let _ = Pin::new(tls).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }

    /// Lets the peer see a reset instead of an orderly end, so that what was cut off cannot pass for whole.
    pub fn reset_on_close(&self) {
        let tcp = match &self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0.tcp(),
        };
        // Best effort: where the option is not taken the length or the missing last chunk still tells.
        let _ = socket2::SockRef::from(tcp).set_linger(Some(std::time::Duration::ZERO));
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Stream::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, slices),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
