//! The pages of `klog perf-test --html`, as a browser shows them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::perf_test::report;
use crate::server::fresh;

/// Under these names a Chromium may be installed; `tests/run` sees to it that one is.
const BROWSERS: [&str; 5] =
    ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome"];

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = BROWSERS.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    all.into_iter().find(|file| file.exists()).expect("tests/run installs a Chromium")
}

/// Opens the page in a window of this width, in light colours or dark ones, and measures what is there.
fn look_at(page: &Path, width: u32, dark: bool) -> Value {
    let text = std::fs::read_to_string(page).expect("the page is there");
    let (text, looked) = (text.as_str(), page.with_extension("looked.html"));
    let script = format!("<script>{}</script></body>", include_str!("look.js"));
    std::fs::write(&looked, text.replace("</body>", &script)).expect("it can be written");
    let profile = tempfile::tempdir().expect("a folder");
    let shown = Command::new(browser())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},1400"))
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
        .arg(format!("file://{}", looked.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&shown.stdout);
    let errors = String::from_utf8_lossy(&shown.stderr);
    let seen = dom.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let seen = seen.unwrap_or_else(|| panic!("the browser shows nothing:\n{dom}\n{errors}"));
    let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"))
}

/// Nothing is cut off, written over, too faint to read, or fetched from anywhere, in any window and either scheme.
fn assert_fit_to_be_seen(page: &Path, charts: usize) {
    let mut papers = Vec::new();
    for dark in [false, true] {
        for width in [500, 800, 1280] {
            let seen = look_at(page, width, dark);
            let how = format!("{width} wide, dark: {dark}: {seen:#}");
            assert_eq!((&seen["width"], &seen["dark"]), (&json!(width), &json!(dark)), "{how}");
            assert!(seen["tooWide"].as_i64().is_some_and(|pixels| pixels <= 0), "{how}");
            assert_eq!((&seen["fetched"], &seen["faint"]), (&json!([]), &json!([])), "{how}");
            let drawn = seen["charts"].as_array().expect("a list");
            assert_eq!(drawn.len(), charts, "{how}");
            for chart in drawn {
                assert!(
                    chart["drawn"].as_u64() > Some(0) && chart["texts"].as_u64() > Some(3),
                    "{how}"
                );
                for wrong in ["outside", "overlapping"] {
                    assert_eq!(chart[wrong], json!([]), "{how}");
                }
                assert_eq!(chart["linesOutside"], 0, "{how}");
            }
            papers.push(seen["paper"].clone());
        }
    }
    assert_ne!(papers.first(), papers.last(), "dark is another colour than light");
}

#[test]
fn the_page_of_a_run_can_be_read_in_any_window_light_or_dark() {
    let (server, data) = fresh();
    let page = data.path().join("page.html");
    let load = ["end-to-end", "--topic", "t", "--partitions", "1", "--rate", "1000"];
    let path = page.to_str().expect("a path");
    report(&server, &[&load[..], &["--duration", "3s", "--html", path]].concat());
    assert_fit_to_be_seen(&page, 3);
}

#[test]
fn the_page_of_a_comparison_can_be_read_in_any_window_light_or_dark() {
    let (server, data) = fresh();
    let page = data.path().join("page.html");
    let path = page.to_str().expect("a path");
    let brokers = ["--a", &server.address, "--b", &server.address];
    let runs = ["--duration", "300ms", "--warmup", "0s", "--html", path];
    let args = [&["perf-test", "compare"], &brokers[..], &runs, &["--case", "produce-10k"]];
    server.output_of(args.concat());
    assert_fit_to_be_seen(&page, 3);
}
