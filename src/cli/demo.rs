//! `countersign demo`: a gateway in memory, asked good and bad things over real TCP, then left for the person to ask.

mod cases;
mod page;
mod paste;
mod setup;
mod token;
mod wire;

use clap::Args;

use self::{page::Page, setup::Setup};
use super::{Exit, data, signals::Requests, terminal::Paint, trouble::Trouble, words};

/// See it work: a gateway without any file, and requests that are accepted and refused
///
///   countersign demo
///   countersign demo --once
///   countersign demo --port 8080
///
/// Starts a gateway in front of an echo server, with keys made for this run, and
/// sends it good and bad requests. Then it stays up and prints curl lines to paste,
/// until Ctrl-C.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Demo {
    /// End after the round; exit code 1 if any answer was not as expected
    #[arg(long)]
    once: bool,
    /// Listen on this port of 127.0.0.1 [default: 8000, or any that is free]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

impl Demo {
    pub(super) fn execute(self) -> Result<Exit, Trouble> {
        let setup = Setup::new()?;
        let (gateway, address) = setup.start(self.port, setup::Log::Off)?;
        let mut page = Page::new(Paint::of_stdout());
        data(format_args!("{}", page.title(address)));
        for section in cases::sections(&setup, address)? {
            data(format_args!("{}", page.section(&section)));
            for case in &section.cases {
                let answer = wire::send(address, &case.request)?;
                data(format_args!("{}", page.result(case, &answer)));
            }
        }
        data(format_args!("{}", page.sum()));
        gateway.stop();
        if !page.all_right() {
            return Ok(Exit::Runtime);
        }
        if !self.once {
            self.stay(&setup, address.port())?;
        }
        Ok(Exit::Ok)
    }

    /// The same gateway again on the same port, now with an access log: what a person sends shall be seen.
    fn stay(&self, setup: &Setup, port: u16) -> Result<(), Trouble> {
        // Somebody else may have taken the port in between.
        let again = setup.start(Some(port), setup::Log::On);
        let (gateway, address) = again.or_else(|_| setup.start(self.port, setup::Log::On))?;
        data(format_args!("{}", paste::lines(setup, address)?));
        words(format_args!("Every request is logged below. Ctrl-C ends the demo.\n"));
        Requests::listen().and_then(Requests::with_endings).map_err(Trouble::Signals)?.until_told(&gateway);
        gateway.stop();
        Ok(())
    }
}
