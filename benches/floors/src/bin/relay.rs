//! The floor under every proxy: carries bytes both ways and reads none of them. `relay LISTEN UPSTREAM`. Each client
//! has an upstream connection of its own.

use std::io;

use countersign_floors::{addresses, connect, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> io::Result<()> {
    let [address, upstream] = addresses()?;
    run(address, move |client| async move { relay(client, connect(upstream).await?).await })
}

async fn relay(mut client: TcpStream, mut upstream: TcpStream) -> io::Result<()> {
    let mut up = vec![0; 16 * 1024];
    let mut down = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            count = client.read(&mut up) => match count? {
                0 => return Ok(()),
                count => upstream.write_all(&up[..count]).await?,
            },
            count = upstream.read(&mut down) => match count? {
                0 => return Ok(()),
                count => client.write_all(&down[..count]).await?,
            },
        }
    }
}
