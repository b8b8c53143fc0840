//! The origin of the benchmarks of bodies. `sink LISTEN`. `GET /bytes/N` is answered with N bytes; what is posted is
//! read to its end and thrown away, and only then answered, as an API that uses a body would do.

use std::io;

use countersign_floors::{HEAD, addresses, content_length, run, unfit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PIECE: usize = 256 * 1024;

fn main() -> io::Result<()> {
    let [address] = addresses()?;
    run(address, serve)
}

struct Wanted {
    head: usize,
    upload: u64,
    download: u64,
}

async fn serve(mut client: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; PIECE.max(HEAD)];
    let piece = vec![b'.'; PIECE];
    let mut filled = 0;
    loop {
        let Some(wanted) = request(&buffer[..filled])? else {
            if filled >= HEAD {
                return Err(unfit());
            }
            match client.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                count => filled += count,
            }
            continue;
        };
        // One request at a time: what came with the head is the beginning of its body.
        let mut left = wanted.upload.checked_sub((filled - wanted.head) as u64).ok_or_else(unfit)?;
        while left > 0 {
            match client.read(&mut buffer).await? {
                0 => return Err(unfit()),
                count => left = left.checked_sub(count as u64).ok_or_else(unfit)?,
            }
        }
        filled = 0;
        answer(&mut client, wanted.download, &piece).await?;
    }
}

fn request(bytes: &[u8]) -> io::Result<Option<Wanted>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes).map_err(|_| unfit())? else { return Ok(None) };
    let asked = request.path.and_then(|path| path.strip_prefix("/bytes/")).unwrap_or("0");
    let download = asked.parse().map_err(|_| unfit())?;
    Ok(Some(Wanted { head, upload: content_length(request.headers)?, download }))
}

async fn answer(client: &mut TcpStream, length: u64, piece: &[u8]) -> io::Result<()> {
    let mut first = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let mut left = length;
    first.extend_from_slice(&piece[..next(&mut left)]);
    client.write_all(&first).await?;
    while left > 0 {
        client.write_all(&piece[..next(&mut left)]).await?;
    }
    Ok(())
}

/// The bytes of the next write, taken off what is left.
fn next(left: &mut u64) -> usize {
    let count = usize::try_from(*left).map_or(PIECE, |left| left.min(PIECE));
    *left -= count as u64;
    count
}
