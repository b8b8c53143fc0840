//! Where the admin listener stands: at an address, or at a Unix socket that its owner alone may open.
//!
//! A socket's file goes with the listener. One that a killed gateway left behind is taken over; one behind which somebody
//! listens is not.

use std::{
    fs,
    io::{self, ErrorKind},
    net,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// A listener that is bound, and not served yet.
#[derive(Debug)]
pub enum Door {
    /// TCP.
    Address(net::TcpListener),
    /// A Unix socket.
    File(SocketFile),
}

/// A Unix socket that is bound, and its file.
#[derive(Debug)]
pub struct SocketFile {
    listener: UnixListener,
    file: OwnFile,
}

/// A file that goes when this goes, unless another has taken its place.
#[derive(Debug)]
pub(super) struct OwnFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

/// A door that is served on a runtime.
pub(super) enum Open {
    Address(tokio::net::TcpListener),
    File { listener: tokio::net::UnixListener, _file: OwnFile },
}

/// A caller's end, whichever way he came.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl SocketFile {
    /// Listens at `path`, which nobody else may open.
    ///
    /// # Errors
    /// What the system says; [`ErrorKind::AddrInUse`] where somebody listens there, or another file is there.
    pub fn bind(path: &Path) -> io::Result<SocketFile> {
        let address = SockAddr::unix(path)?;
        take_over(path, &address)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address)?;
        let file = OwnFile::at(path)?;
        // Nobody can connect before it listens, so the file is never open to others.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        socket.listen(BACKLOG)?;
        Ok(SocketFile { listener: OwnedFd::from(socket).into(), file })
    }
}

/// Removes a socket behind which nobody listens any more.
fn take_over(path: &Path, address: &SockAddr) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    let caller = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    caller.set_nonblocking(true)?;
    match caller.connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        // Binding will say what is in the way.
        Ok(()) | Err(_) => Ok(()),
    }
}

impl OwnFile {
    fn at(path: &Path) -> io::Result<OwnFile> {
        Ok(OwnFile { path: path.to_owned(), device_and_inode: device_and_inode(path)? })
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if device_and_inode(&self.path).is_ok_and(|found| found == self.device_and_inode) {
            // What stays behind is taken over at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
}

impl Door {
    /// Serves it on the current runtime.
    pub(super) fn open(self) -> io::Result<Open> {
        Ok(match self {
            Door::Address(listener) => {
                listener.set_nonblocking(true)?;
                Open::Address(tokio::net::TcpListener::from_std(listener)?)
            }
            Door::File(SocketFile { listener, file }) => {
                Open::File { listener: tokio::net::UnixListener::from_std(listener)?, _file: file }
            }
        })
    }
}

impl Open {
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Open::Address(listener) => Box::new(listener.accept().await?.0),
            Open::File { listener, .. } => Box::new(listener.accept().await?.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_is_its_owners_alone_and_goes_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let door = SocketFile::bind(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        drop(door);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_gateway_left_is_taken_over_and_what_somebody_serves_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        drop(UnixListener::bind(&path).unwrap());
        let door = SocketFile::bind(&path).unwrap();
        assert_eq!(SocketFile::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).is_ok());
        drop(door);
        fs::write(&path, "somebody's").unwrap();
        assert_eq!(SocketFile::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    }

    #[test]
    fn a_file_that_is_another_ones_by_now_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let old = SocketFile::bind(&path).unwrap();
        let other = directory.path().join("other.sock");
        let _new = UnixListener::bind(&other).unwrap();
        fs::rename(&other, &path).unwrap();
        drop(old);
        assert!(UnixStream::connect(&path).is_ok());
    }
}
