//! The health page; and the documentation and the dashboard, held against what is served.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::http;
use crate::kafka;
use crate::node::Node;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_well_while_all_its_log_directories_are() {
    let node = Node::start().await;
    let page = http::get(node.metrics, "/healthz", "");
    assert_eq!((page.status, page.body.as_str()), (200, "{\"status\":\"serving\"}\n"));
    assert_eq!(page.header("content-type"), Some("application/json"));
    assert_eq!(node.scrape().value("klog_healthy"), 1.0);
    node.stop().await;

    let folder = tempfile::tempdir().expect("a folder");
    let blocked = Node::blocked(folder.path());
    let node = Node::start_with(|config| config.log_dirs.push(blocked.clone())).await;
    let page = http::get(node.metrics, "/healthz", "");
    assert_eq!(page.status, 503);
    let json: serde_json::Value = serde_json::from_str(&page.body).expect("it is JSON");
    assert_eq!(json["status"], "impaired");
    let blocked = blocked.display().to_string();
    assert!(json["reason"].as_str().is_some_and(|reason| reason.contains(&blocked)), "{json}");
    let scrape = node.scrape();
    assert_eq!(scrape.value("klog_healthy"), 0.0);
    assert_eq!(scrape.value(&format!("klog_log_dir_online{{dir=\"{}\"}}", node.dir())), 1.0);
    assert_eq!(scrape.rows("klog_log_dir_online").len(), 2);
    assert_eq!(scrape.sum("klog_log_dir_online"), 1.0);
    let metrics = node.metrics;
    node.stop().await;
    assert!(std::net::TcpStream::connect(metrics).is_err(), "nobody listens after the stop");
}

/// All families of a node that was used, with their types.
async fn families() -> BTreeMap<String, String> {
    let node = Node::start().await;
    let mut kafka = node.connect();
    kafka::create(&mut kafka, ["events"]);
    let families = node.scrape().families();
    node.stop().await;
    families
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_on_metrics_lists_each_and_no_other() {
    let served: BTreeSet<String> = families().await.into_keys().collect();
    let page = read("docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: BTreeSet<String> = rows
        .filter(|name| name.starts_with("klog_") || name.starts_with("process_"))
        .map(|name| name.split('{').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(listed, served);
    let unknown: Vec<String> = named_in(&page)
        .into_iter()
        .filter(|name| !is_series(&families_of(&served), name))
        .collect();
    assert!(unknown.is_empty(), "alerts name what is not there: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_nothing_that_is_not_there() {
    let families = families().await;
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("docs/grafana.json")).expect("it is JSON");
    let mut asked = Vec::new();
    expressions(&dashboard, &mut asked);
    assert!(asked.len() > 20, "{asked:?}");
    for expression in &asked {
        let names = named_in(expression);
        assert!(!names.is_empty(), "{expression} asks for no metric");
        for name in names {
            assert!(is_series(&families, &name), "{expression}: there is no {name}");
        }
    }
}

/// Every `expr` and every query of a variable.
fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value.as_str()) {
                    ("expr" | "query", Some(text)) if text.contains('_') => found.push(text.into()),
                    _ => expressions(value, found),
                }
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| expressions(item, found));
        }
        _ => {}
    }
}

/// The words in a text that are names of metrics.
fn named_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named = |word: &&str| word.starts_with("klog_") || word.starts_with("process_");
    words.filter(named).map(str::to_owned).collect()
}

/// Types do not matter to a list of names.
fn families_of(names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let kind = |name: &str| if name.contains("duration") { "histogram" } else { "gauge" };
    names.iter().map(|name| (name.clone(), kind(name).to_owned())).collect()
}

/// Whether a name is a family's, or that of a part of a histogram.
fn is_series(families: &BTreeMap<String, String>, name: &str) -> bool {
    let parts = ["_bucket", "_count", "_sum"].iter();
    let histogram = |family: &str| families.get(family).is_some_and(|kind| kind == "histogram");
    families.contains_key(name) || parts.filter_map(|part| name.strip_suffix(part)).any(histogram)
}
