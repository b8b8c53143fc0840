//! One gateway with one upstream, and how a case is sent to it.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread::sleep,
    time::Duration,
};

use super::{cases::Case, judge};
use crate::support::{Gateway, Recorder, loopback};

const CONFIG: &str = include_str!("../../../config/attack.yaml");

/// Silence after which no more of an answer is expected.
const SILENCE: Duration = Duration::from_millis(800);
/// What a forwarded request may need to arrive.
const ARRIVAL: Duration = Duration::from_millis(150);

pub(super) struct Lane {
    address: SocketAddr,
    upstream: Recorder,
    _gateway: Gateway,
}

impl Lane {
    /// The shipped config, on ports of this lane's own.
    pub(super) fn start() -> Lane {
        let upstream = Recorder::start();
        let address = loopback();
        let config = CONFIG
            .replace("127.0.0.1:9300", &address.to_string())
            .replace("127.0.0.1:9301", &upstream.address.to_string());
        assert!(config.contains(&address.to_string()) && config.contains(&upstream.address.to_string()));
        Lane { _gateway: Gateway::start(&config, &[], address), address, upstream }
    }

    /// Sends `case` and gives what does not hold.
    pub(super) fn try_case(&self, case: &Case) -> Vec<String> {
        // Fresh upstream connections for every case; the gateway needs a moment to see the old ones close.
        self.upstream.reset();
        sleep(Duration::from_millis(60));
        self.upstream.reset();
        let answer = match self.send(case) {
            Ok(answer) => answer,
            Err(error) => return vec![format!("no connection: {error}")],
        };
        sleep(ARRIVAL);
        judge::judge(case.expect, &case.invariants, &answer, &self.upstream.requests())
    }

    /// Everything that came back before silence or the end.
    fn send(&self, case: &Case) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(3))?;
        stream.set_write_timeout(Some(Duration::from_secs(3)))?;
        stream.set_read_timeout(Some(SILENCE))?;
        // A gateway that refuses may stop reading; what it answered is judged all the same.
        let _ = stream.write_all(&case.request);
        if case.invariants.half_close {
            sleep(Duration::from_millis(300));
            let _ = stream.shutdown(Shutdown::Write);
        }
        let mut answer = Vec::new();
        let mut piece = [0; 64 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            answer.extend_from_slice(&piece[..count]);
        }
        Ok(answer)
    }
}
