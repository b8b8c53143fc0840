//! A server that is not ours, and a gateway in front of it.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
};

use super::stage::eventually;
use crate::support::{Connection, Gateway, loopback};

/// A running server behind a gateway; both end with the value.
pub(super) struct Behind {
    address: SocketAddr,
    _gateway: Gateway,
    _server: Server,
}

struct Server(Child);

impl Behind {
    /// Starts a server that prints the port that it has chosen on a line of its own.
    pub(super) fn that_prints_its_port(command: &mut Command) -> Behind {
        let mut server = Server::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        let printed = server.0.stdout.take().expect("its output");
        BufReader::new(printed).read_line(&mut line).expect("a line");
        let port: u16 = line.trim().parse().unwrap_or_else(|_| panic!("no port in {line:?}"));
        Behind::a_gateway(server, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Starts a server that was told where to listen.
    pub(super) fn that_listens_at(address: SocketAddr, command: &mut Command) -> Behind {
        Behind::a_gateway(Server::start(command), address)
    }

    fn a_gateway(server: Server, upstream: SocketAddr) -> Behind {
        assert!(eventually(|| TcpStream::connect(upstream).is_ok()), "nothing listens at {upstream}");
        let address = loopback();
        let config = format!(
            "listen: {address}\nupstreams: {{ app: {{ servers: [\"http://{upstream}\"] }} }}\n\
             routes: [{{ match: {{ path: /** }}, public: true, to: app }}]\nlimits: {{ body: 64MiB }}\n"
        );
        Behind { _gateway: Gateway::start(&config, &[], address), address, _server: server }
    }

    /// A client's connection to the gateway.
    pub(super) fn connect(&self) -> Connection {
        Connection::open(self.address)
    }
}

impl Server {
    fn start(command: &mut Command) -> Server {
        Server(command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
