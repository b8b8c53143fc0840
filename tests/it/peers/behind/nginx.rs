//! nginx with files: plain, large, in part, unchanged, uploaded.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use super::super::{server::Behind, tools::tool};
use crate::support::{Answer, loopback};

const CONFIG: &str = r#"
daemon off; master_process off; error_log stderr crit; pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path bodies; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {
    listen LISTEN; root files; client_max_body_size 64m;
    add_header X-Connection $connection:$connection_requests always;
    location /uploads/ { dav_methods PUT; }
  }
}
"#;

struct Nginx {
    behind: Behind,
    directory: TempDir,
}

impl Nginx {
    fn start() -> Nginx {
        let (directory, address) = (tempfile::tempdir().expect("a directory"), loopback());
        fs::write(directory.path().join("nginx.conf"), CONFIG.replace("LISTEN", &address.to_string()))
            .expect("a config");
        fs::create_dir_all(directory.path().join("files/uploads")).expect("a directory");
        // As root nginx may give its work to another user.
        for name in ["", "files", "files/uploads"] {
            let everyone = fs::Permissions::from_mode(0o777);
            fs::set_permissions(directory.path().join(name), everyone).expect("the directory is opened");
        }
        let mut nginx = tool("nginx", "nginx-light");
        nginx.arg("-p").arg(directory.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        Nginx { behind: Behind::that_listens_at(address, &mut nginx), directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("files").join(name)
    }

    /// A file of so many bytes.
    fn file(&self, name: &str, length: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        fs::write(self.path(name), &bytes).expect("the file is written");
        bytes
    }

    fn get(&self, target: &str, fields: &str) -> Answer {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        self.behind.connect().exchange(request.as_bytes()).expect("an answer")
    }
}

#[test]
fn files_come_whole_whatever_their_size() {
    let nginx = Nginx::start();
    for length in [0, 1, 16 << 10, 16 << 20] {
        let file = nginx.file("file", length);
        let answer = nginx.get("/file", "");
        assert_eq!((answer.status, answer.field("content-length")), (200, Some(length.to_string().as_str())));
        assert!(answer.body == file, "{length} bytes, and others");
    }
    let missing = nginx.get("/missing", "");
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("<center>nginx"), "its own page: {}", missing.text());
}

#[test]
fn a_file_that_has_not_changed_is_not_sent_again() {
    let nginx = Nginx::start();
    nginx.file("file", 1000);
    let first = nginx.get("/file", "");
    let (tag, date) = (first.field("etag").expect("a tag"), first.field("last-modified").expect("a date"));
    for condition in [format!("If-None-Match: {tag}\r\n"), format!("If-Modified-Since: {date}\r\n")] {
        let mut connection = nginx.behind.connect();
        let request = format!("GET /file HTTP/1.1\r\nHost: a\r\n{condition}\r\n");
        let again = connection.exchange(request.as_bytes()).expect("an answer");
        assert_eq!((again.status, again.field("etag"), again.body.len()), (304, Some(tag), 0));
        let next = connection.exchange(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n").expect("an answer");
        assert_eq!((next.status, next.body.len()), (200, 1000), "on the same connection");
    }
    assert_eq!(nginx.get("/file", "If-None-Match: \"another\"\r\n").status, 200);
}

#[test]
fn a_part_of_a_file_is_that_part() {
    let nginx = Nginx::start();
    let file = nginx.file("file", 1 << 20);
    let part = nginx.get("/file", "Range: bytes=1000-1999\r\n");
    assert_eq!((part.status, part.field("content-range")), (206, Some("bytes 1000-1999/1048576")));
    assert_eq!(part.body, file[1000..2000]);
    let several = nginx.get("/file", "Range: bytes=0-9,100-109\r\n");
    assert_eq!(several.status, 206);
    assert!(several.field("content-type").is_some_and(|kind| kind.starts_with("multipart/byteranges")));
    assert!(several.body.windows(10).any(|window| window == &file[100..110]));
    assert_eq!(nginx.get("/file", "Range: bytes=2000000-\r\n").status, 416);
}

#[test]
fn one_connection_to_nginx_serves_many_requests() {
    let nginx = Nginx::start();
    nginx.file("file", 1000);
    let mut connection = nginx.behind.connect();
    let mut used = Vec::new();
    for request in ["GET /file", "HEAD /file", "GET /missing", "GET /file"] {
        let text = format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = connection.exchange_of(text.as_bytes(), request.starts_with("HEAD")).expect("an answer");
        used.push(answer.field("x-connection").expect("nginx's own count").to_owned());
    }
    let (id, _) = used[0].split_once(':').expect("connection and count");
    assert_eq!(used, [1, 2, 3, 4].map(|count| format!("{id}:{count}")));
}

#[test]
fn an_upload_arrives_as_it_was() {
    let nginx = Nginx::start();
    let body: Vec<u8> = (0..=250).cycle().take(8 << 20).collect();
    let plain =
        [format!("PUT /uploads/plain HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body]
            .concat();
    assert_eq!(nginx.behind.connect().exchange(&plain).expect("an answer").status, 201);
    assert!(fs::read(nginx.path("uploads/plain")).expect("the file") == body);
    let mut chunked = b"PUT /uploads/chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.chunks(100_000) {
        chunked.extend(format!("{:x};a=b\r\n", piece.len()).as_bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\nX: y\r\n\r\n");
    assert_eq!(nginx.behind.connect().exchange(&chunked).expect("an answer").status, 201);
    assert!(fs::read(nginx.path("uploads/chunked")).expect("the file") == body);
}
