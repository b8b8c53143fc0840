//! The access line for a person who watches a terminal: what happened first, identities after it.

use super::{
    access::{AccessLine, Verdict},
    escape::{self, plain_display},
    stamp::Stamp,
};

const METHOD_WIDTH: usize = 7;
const PATH_WIDTH: usize = 32;
const DURATION_WIDTH: usize = 9;

/// Appends `21:08:27.045  403  POST    /verify    1.234ms  refused invalid-signature: …  by=device key=dev-1 …`.
pub(super) fn write(line: &AccessLine<'_>, colour: bool, stamp: &mut Stamp, out: &mut Vec<u8>) {
    stamp.write_time_of_day(line.unix_millis, out);
    out.extend_from_slice(b"  ");
    write_status(line, colour, out);
    out.extend_from_slice(b"  ");
    column(METHOD_WIDTH, out, |out| plain_display(&line.method, out));
    column(PATH_WIDTH, out, |out| plain_display(&line.path, out));
    column(DURATION_WIDTH, out, |out| write_millis(line.duration_micros, out));
    write_verdict(&line.verdict, out);
    pair("by", line.by, out);
    pair("key", line.key_id, out);
    pair("secret", line.secret, out);
    pair("subject", line.subject, out);
    pair("replay", line.unchecked.then_some("unchecked"), out);
    pair("route", line.route, out);
    out.extend_from_slice(b" client=");
    escape::display(&line.client, out);
    pair("id", Some(&String::from_utf8_lossy(line.request_id)), out);
    out.push(b'\n');
}

fn write_status(line: &AccessLine<'_>, colour: bool, out: &mut Vec<u8>) {
    if !colour {
        return escape::number(line.status.into(), out);
    }
    out.extend_from_slice(match (line.verdict, line.status) {
        (Verdict::Failed { .. }, _) | (_, 500..) => b"\x1b[31m",
        (Verdict::Refused { .. }, _) | (_, 400..) => b"\x1b[33m",
        (Verdict::Allowed, _) => b"\x1b[32m",
    });
    escape::number(line.status.into(), out);
    out.extend_from_slice(b"\x1b[0m");
}

fn write_verdict(verdict: &Verdict<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(verdict.name().as_bytes());
    if let Some(cause) = verdict.cause() {
        out.push(b' ');
        out.extend_from_slice(cause.face().name.as_bytes());
    }
    if let Some(why) = verdict.why() {
        out.extend_from_slice(b": ");
        plain_display(why, out);
    }
    out.push(b' ');
}

fn write_millis(micros: u64, out: &mut Vec<u8>) {
    escape::display(&format_args!("{}.{:03}ms", micros / 1000, micros % 1000), out);
}

/// Fills what `write` appends with spaces up to `width` characters, and adds one between columns.
fn column(width: usize, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let is_first_byte = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
    let written = out.iter().skip(start).filter(is_first_byte).count();
    out.resize(out.len() + width.saturating_sub(written) + 1, b' ');
}

fn pair(name: &str, value: Option<&str>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        escape::display(&format_args!(" {name}="), out);
        plain_display(&value, out);
    }
}
