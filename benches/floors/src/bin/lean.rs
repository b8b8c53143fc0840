//! The floor under a verifying proxy: reads each head, checks one HMAC, forwards over pooled connections.
//! `lean LISTEN UPSTREAM`. No routes, limits, time-outs, log or header hygiene, and no bodies in requests: what this
//! leaves out is what a gateway costs beyond its bare work.
//!
//! The signature is that of the benchmarks: `X-HMAC-Signature` is the hex HMAC-SHA256 of `X-Device:X-Timestamp`.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;

use countersign_floors::{HEAD, addresses, connect, content_length, run, unfit};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

thread_local! {
    /// Upstream connections that wait for a request.
    static IDLE: RefCell<Vec<TcpStream>> = const { RefCell::new(Vec::new()) };
}

fn main() -> io::Result<()> {
    let [address, upstream] = addresses()?;
    let key = Hmac::<Sha256>::new_from_slice(b"secret-key").map_err(io::Error::other)?;
    run(address, move |client| serve(client, upstream, key.clone()))
}

async fn serve(mut client: TcpStream, upstream: SocketAddr, key: Hmac<Sha256>) -> io::Result<()> {
    let mut buffer = vec![0; HEAD];
    let mut answer = vec![0; HEAD];
    let mut filled = 0;
    loop {
        let Some((head, genuine)) = request(&buffer[..filled], &key)? else {
            if filled == buffer.len() {
                return Err(unfit());
            }
            match client.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                count => filled += count,
            }
            continue;
        };
        if genuine {
            exchange(&mut client, upstream, &buffer[..head], &mut answer).await?;
        } else {
            client.write_all(FORBIDDEN).await?;
        }
        buffer.copy_within(head..filled, 0);
        filled -= head;
    }
}

/// The length of the first head, once it is whole, and whether its signature is right.
fn request(bytes: &[u8], key: &Hmac<Sha256>) -> io::Result<Option<(usize, bool)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| unfit())? else { return Ok(None) };
    if content_length(request.headers)? != 0 {
        return Err(unfit());
    }
    let value = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let signed = [value("X-Device"), value("X-Timestamp"), value("X-HMAC-Signature")];
    let [Some(device), Some(timestamp), Some(signature)] = signed else { return Ok(Some((length, false))) };
    let mut claimed = [0; 32];
    if hex::decode_to_slice(signature.value, &mut claimed).is_err() {
        return Ok(Some((length, false)));
    }
    let mac = key.clone().chain_update(device.value).chain_update(b":").chain_update(timestamp.value);
    Ok(Some((length, mac.verify_slice(&claimed).is_ok())))
}

async fn exchange(client: &mut TcpStream, upstream: SocketAddr, head: &[u8], answer: &mut [u8]) -> io::Result<()> {
    let idle = IDLE.with_borrow_mut(Vec::pop);
    let mut server = match idle {
        Some(server) => server,
        None => connect(upstream).await?,
    };
    server.write_all(head).await?;
    let mut filled = 0;
    let mut left = loop {
        match server.read(&mut answer[filled..]).await? {
            0 => return Err(unfit()),
            count => filled += count,
        }
        if let Some(length) = response(&answer[..filled])? {
            break length.checked_sub(filled as u64).ok_or_else(unfit)?;
        }
    };
    client.write_all(&answer[..filled]).await?;
    while left > 0 {
        match server.read(answer).await? {
            0 => return Err(unfit()),
            count => {
                left = left.checked_sub(count as u64).ok_or_else(unfit)?;
                client.write_all(&answer[..count]).await?;
            }
        }
    }
    IDLE.with_borrow_mut(|idle| idle.push(server));
    Ok(())
}

/// The length of head and body together, once the head is whole.
fn response(bytes: &[u8]) -> io::Result<Option<u64>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes).map_err(|_| unfit())? {
        httparse::Status::Complete(head) => Ok(Some(head as u64 + content_length(response.headers)?)),
        httparse::Status::Partial => Ok(None),
    }
}
