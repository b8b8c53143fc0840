//! Chromium: a page behind the gateway that asks for more when it is shown.

use std::env;

use super::super::{
    stage::Stage,
    tools::{Printed, run, tool},
};

const PAGE: &str = r#"<!doctype html><title>A page</title><p id="said">nothing yet</p><script>
  (async () => {
    const posted = await fetch("/open/posted?by=page", { method: "POST", body: "a body of the page's" });
    const missing = await fetch("/nowhere");
    document.getElementById("said").textContent = `${posted.status} ${await posted.text()}, ${missing.status}`;
  })();
</script>"#;

/// Set where there is no Chromium to be had.
pub(in super::super) const WITHOUT_CHROMIUM: &str = "COUNTERSIGN_WITHOUT_CHROMIUM";

#[test]
fn chromium_shows_a_page_that_posts() {
    if env::var_os(WITHOUT_CHROMIUM).is_some() {
        return;
    }
    let stage = Stage::with_pages(|target| (target == "/open/page").then_some(PAGE));
    let shown = chromium(&stage.url("/open/page"));
    assert!(shown.out.contains("200 a body of the page's, 404"), "{shown:#?}");
    let mut saw = stage.saw();
    saw.retain(|request| !request.contains("favicon"));
    assert_eq!(saw, ["GET /open/page 0", "POST /open/posted?by=page 20"]);
}

/// The page at `url` as it is when it has nothing left to do.
pub(in super::super) fn chromium(url: &str) -> Printed {
    let profile = tempfile::tempdir().expect("a directory");
    let mut chromium = tool("chromium", "chromium");
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    // Of its own accord it would look for updates and much else.
    chromium.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    chromium.args(["--disable-extensions", "--disable-default-apps", "--no-proxy-server"]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    // Time that stands still while a request is on its way, the same for pages of several sites.
    chromium.args(["--disable-site-isolation-trials", "--disable-features=IsolateOrigins,site-per-process"]);
    run(chromium.args(["--virtual-time-budget=10000", "--dump-dom"]).arg(url))
}
