//! The admin listener on a Unix socket: its owner's alone, found from the config, and left by nobody in anybody's way.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use super::support::{eventually, free_address};
use crate::support::{Gateway, countersign};

const TOKEN: &str = "an-admin-token-of-more-than-32-bytes";

fn start(address: SocketAddr, directory: &Path) -> Gateway {
    let config = format!(
        "listen: {address}\nadmin: {{ address: 'unix:{place}/admin.sock', token: {{ env: ADMIN_TOKEN }} }}\n\
         revocations: {{ file: {place}/revoked }}\n\
         upstreams: {{ echo: {{ echo: true }} }}\nroutes: [{{ match: {{ path: / }}, public: true, to: echo }}]\n",
        place = directory.display()
    );
    Gateway::start(&config, &[("ADMIN_TOKEN", TOKEN)], address)
}

fn command(arguments: &[&str], token: &str) -> Output {
    let mut command: Command = countersign();
    command.env("COUNTERSIGN_ADMIN_TOKEN", token).args(arguments).output().expect("the binary runs")
}

#[test]
fn a_gateway_on_a_unix_socket_is_found_from_its_config() {
    let directory = tempfile::tempdir().expect("a directory");
    let gateway = start(free_address(), directory.path());
    let socket = directory.path().join("admin.sock");
    assert_eq!(fs::metadata(&socket).expect("it is there").permissions().mode() & 0o777, 0o600);
    let file = gateway.path("gateway.yaml");
    let (config, at) = (file.to_str().expect("text"), format!("unix:{}", socket.display()));
    let reloaded = command(&["reload", "-c", config], TOKEN);
    assert_eq!(reloaded.status.code(), Some(0), "{reloaded:?}");
    assert_eq!(command(&["reload", "--admin", &at], "another-token").status.code(), Some(1));
    assert_eq!(command(&["revoke", "--key-id", "dev-1", "-c", config], TOKEN).status.code(), Some(0));
    let listed = command(&["revocations", "--admin", &at], TOKEN);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("dev-1"), "{listed:?}");
}

#[test]
fn a_socket_goes_with_its_gateway_and_what_a_killed_one_left_is_taken_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("admin.sock");
    let at = format!("unix:{}", socket.display());
    drop(start(free_address(), directory.path()));
    assert!(socket.exists(), "what was killed leaves its socket");
    let gateway = start(free_address(), directory.path());
    assert_eq!(command(&["reload", "--admin", &at], TOKEN).status.code(), Some(0));
    gateway.signal("TERM");
    assert!(eventually(super::support::PATIENCE, || !socket.exists()));
    assert_eq!(command(&["reload", "--admin", &at], TOKEN).status.code(), Some(1));
}
