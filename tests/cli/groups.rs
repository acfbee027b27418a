//! `klog groups`, for groups without members; those with members are in `tests/interop/groups_cli.rs`.

use crate::server::{Server, fresh, klog_assert, stderr};

/// Topic `t` with 10 records, 1 second apart from @1000 on, in partition 0 of 2.
fn with_records() -> (Server, tempfile::TempDir) {
    let (server, data) = fresh();
    server.output_of(["topics", "create", "t", "-p", "2"]);
    let record = |n: i64| {
        format!("{{\"value\":\"{n}\",\"partition\":0,\"timestamp\":{}}}\n", (n + 1) * 1000)
    };
    let lines: String = (0..10).map(record).collect();
    server.klog(["produce", "t", "--input", "json"]).write_stdin(lines).assert().success();
    (server, data)
}

/// What a command prints that must succeed, as JSON lines.
fn json(server: &Server, line: &str) -> Vec<serde_json::Value> {
    let printed = server.output_of(line.split_whitespace().chain(["--format", "json"]));
    printed.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// What a group has committed of partition 0 of `t`.
fn committed(server: &Server, group: &str) -> Option<i64> {
    json(server, &format!("groups describe {group}"))[0]["committed"].as_i64()
}

/// Commits `offset` of partition 0 of `t` for group `g`.
fn commit(server: &Server, offset: i64) {
    server.output_of(["groups", "reset", "g", "--topic", "t:0", "--to", &offset.to_string()]);
}

#[test]
fn a_group_is_reset_listed_described_and_deleted() {
    let (server, _data) = with_records();
    assert_eq!(server.output_of(["groups", "list"]), "");
    let reset = server.output_of("groups reset g --topic t --to 4 --format json".split(' '));
    assert_eq!(
        reset,
        "{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"from\":null,\"to\":4,\"lag\":6,\"dry_run\":false}\n\
         {\"group\":\"g\",\"topic\":\"t\",\"partition\":1,\"from\":null,\"to\":0,\"lag\":0,\"dry_run\":false}\n"
    );
    assert_eq!(
        server.output_of(["groups", "list", "--format", "json"]),
        "{\"group\":\"g\",\"type\":\"classic\",\"state\":\"Empty\",\"protocol_type\":null,\"protocol\":null,\"members\":0}\n"
    );
    assert_eq!(json(&server, "groups list --state stable").len(), 0);
    assert_eq!(json(&server, "groups list --state stable,empty").len(), 1);
    let described = server.output_of(["groups", "describe", "g", "--format", "json"]);
    let first = described.lines().next().expect("a line per partition");
    assert!(
        first.starts_with(
            "{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"committed\":4,\"log_start\":0,\"log_end\":10,\"lag\":6,\"lag_ms\":"
        ),
        "{first}"
    );
    assert!(
        first.ends_with("\"member_id\":null,\"client_id\":null,\"host\":null,\"pending\":false}"),
        "{first}"
    );
    let state = server.output_of(["groups", "describe", "g", "--state", "--format", "json"]);
    let wanted = "{\"group\":\"g\",\"type\":\"classic\",\"state\":\"Empty\",\"coordinator\":1,\"protocol\":null,\"epoch\":null,\"members\":0}\n";
    assert_eq!(state, wanted);
    assert_eq!(server.output_of(["groups", "describe", "g", "--members"]), "");
    server.output_of(["groups", "delete", "g", "--yes"]);
    assert_eq!(server.output_of(["groups", "list"]), "");
}

#[test]
fn lists_are_tables_without_borders_in_a_pipe() {
    let (server, _data) = with_records();
    commit(&server, 4);
    let words = |text: &str, line: usize| -> Vec<String> {
        let line = text.lines().nth(line).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let list = server.output_of(["groups", "list"]);
    assert_eq!(words(&list, 0), ["GROUP", "TYPE", "STATE", "PROTOCOL_TYPE", "PROTOCOL", "MEMBERS"]);
    assert_eq!(words(&list, 1), ["g", "classic", "Empty", "-", "-", "0"]);
    let described = server.output_of(["groups", "describe", "g"]);
    assert_eq!(
        words(&described, 0).join(" "),
        "GROUP TOPIC PARTITION COMMITTED LOG_START LOG_END LAG LAG_MS MEMBER_ID CLIENT_ID HOST PENDING"
    );
    assert_eq!(words(&described, 1)[..7], ["g", "t", "0", "4", "0", "10", "6"]);
    let reset = server.output_of(["groups", "reset", "g", "--all-topics", "--to", "+1"]);
    assert_eq!(words(&reset, 0), ["GROUP", "TOPIC", "PARTITION", "FROM", "TO", "LAG"]);
    assert_eq!(words(&reset, 1), ["g", "t", "0", "4", "5", "5"]);
}

#[test]
fn lag_is_as_old_as_the_first_record_that_is_not_committed() {
    let (server, _data) = with_records();
    let lag_ms = || json(&server, "groups describe g")[0]["lag_ms"].as_i64().expect("a number");
    let now = || jiff::Timestamp::now().as_millisecond();
    commit(&server, 4);
    let (before, told, after) = (now(), lag_ms(), now());
    // Record 4 was written at 5000.
    assert!((before - 5000..=after - 5000).contains(&told), "{told}");
    commit(&server, 10);
    assert_eq!(lag_ms(), 0);
    server.klog(["produce", "t", "-p", "0"]).write_stdin("now\n").assert().success();
    assert!((0..60_000).contains(&lag_ms()));
    // What was deleted is not waited for: the first record that is left is 8, of 9000.
    commit(&server, 4);
    server.output_of(["topics", "trim", "t", "--before", "8", "-p", "0", "--yes"]);
    let (before, told, after) = (now(), lag_ms(), now());
    assert!((before - 9000..=after - 9000).contains(&told), "{told}");
    server.output_of(["topics", "trim", "t", "--before", "latest", "-p", "0", "--yes"]);
    assert_eq!(lag_ms(), 0, "there is nothing to read");
}

#[test]
fn a_reset_goes_to_ends_offsets_times_and_by_counts() {
    let (server, _data) = with_records();
    for (to, wanted) in [
        ("earliest", 0),
        ("latest", 10),
        ("3", 3),
        ("+2", 5),
        ("-4", 1),
        ("+0", 1),
        ("@4500", 4),
        ("1970-01-01T00:00:09Z", 8),
        ("-1h", 10),
        ("@999999", 10),
    ] {
        server.output_of(["groups", "reset", "g", "--topic", "t:0", "--to", to]);
        assert_eq!(committed(&server, "g"), Some(wanted), "--to {to}");
    }
}

#[test]
fn an_offset_outside_of_the_log_becomes_its_end_or_start_with_a_warning() {
    let (server, _data) = with_records();
    server.output_of(["topics", "trim", "t", "--before", "2", "-p", "0", "--yes"]);
    let said = |to: &str| {
        let args = ["groups", "reset", "g", "--topic", "t:0", "--to", to];
        stderr(&server.klog(args).assert().success())
    };
    let warning = said("99");
    assert!(warning.contains("t[0] has no offset 99: it becomes the end, 10"), "{warning}");
    assert_eq!(committed(&server, "g"), Some(10));
    let warning = said("-100");
    assert!(warning.contains("t[0] has no offset -90: it becomes the start, 2"), "{warning}");
    assert_eq!(committed(&server, "g"), Some(2));
    assert!(!said("5").contains("becomes"));
}

#[test]
fn a_dry_run_changes_nothing_and_shows_what_it_would_do() {
    let (server, _data) = with_records();
    let steps = json(&server, "groups reset g --topic t:0 --to 4 --dry-run");
    assert_eq!((&steps[0]["to"], &steps[0]["dry_run"]), (&4.into(), &true.into()));
    assert_eq!(server.output_of(["groups", "list"]), "");
    commit(&server, 4);
    let said = server.output_of(["groups", "delete", "g", "--dry-run"]);
    assert_eq!(said, "would delete group g with all that it committed\n");
    let said = server.output_of(["groups", "delete-offsets", "g", "--topic", "t", "--dry-run"]);
    assert_eq!(said, "would forget t[0] of group g: it was at 4\n");
    let line = "{\"topic\":\"t\",\"partition\":0,\"offset\":7}\n";
    server.klog(["groups", "import", "g", "--dry-run"]).write_stdin(line).assert().success();
    assert_eq!(committed(&server, "g"), Some(4));
}

#[test]
fn what_is_exported_is_imported_with_epochs_and_metadata() {
    let (server, _data) = with_records();
    let lines = "{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"offset\":4,\"leader_epoch\":0,\"metadata\":\"a \\\"note\\\"\"}\n\
         {\"group\":\"g\",\"topic\":\"t\",\"partition\":1,\"offset\":0,\"leader_epoch\":null,\"metadata\":\"\"}\n";
    server.klog(["groups", "import", "g"]).write_stdin(lines).assert().success();
    let exported = server.output_of(["groups", "export", "g"]);
    assert_eq!(exported, lines);
    server.klog(["groups", "import", "copy"]).write_stdin(exported).assert().success();
    assert_eq!(server.output_of(["groups", "export", "copy"]), lines.replace("\"g\"", "\"copy\""));
}

#[test]
fn nothing_is_imported_if_a_line_is_bad_or_a_partition_is_not_there() {
    let (server, _data) = with_records();
    let good = "{\"topic\":\"t\",\"partition\":0,\"offset\":4}";
    let said = |line: &str| {
        let input = format!("{good}\n{line}\n");
        stderr(&server.klog(["groups", "import", "g"]).write_stdin(input).assert().code(1))
    };
    let bad = said("{\"topic\":\"t\",\"partition\":1}");
    assert!(bad.contains("klog: line 2 of stdin is not an offset"), "{bad}");
    assert!(bad.contains("missing field `offset`") && bad.contains("hint: "), "{bad}");
    let twice = said(good);
    assert!(twice.contains("line 2 of stdin tells of t[0] again"), "{twice}");
    let missing = said("{\"topic\":\"nope\",\"partition\":0,\"offset\":1}");
    assert!(missing.contains("nope"), "{missing}");
    let missing = said("{\"topic\":\"t\",\"partition\":2,\"offset\":1}");
    assert!(missing.contains("has no partition 2"), "{missing}");
    let empty = server.klog(["groups", "import", "g"]).write_stdin("\n").assert().code(1);
    assert!(stderr(&empty).contains("stdin has no offsets"));
    assert_eq!(server.output_of(["groups", "list"]), "");
}

#[test]
fn offsets_of_a_topic_are_forgotten() {
    let (server, _data) = with_records();
    server.produce("u", "a\n");
    server.output_of(["groups", "reset", "g", "--topic", "t", "--topic", "u", "--to", "latest"]);
    let told = json(&server, "groups delete-offsets g --topic t:0 --yes");
    let wanted = serde_json::json!({
        "group": "g", "topic": "t", "partition": 0, "change": "delete-offsets", "offset": 10, "dry_run": false
    });
    assert_eq!(told, [wanted]);
    let left: Vec<String> = json(&server, "groups describe g")
        .iter()
        .map(|place| format!("{}{}", place["topic"].as_str().unwrap_or(""), place["partition"]))
        .collect();
    assert_eq!(left, ["t1", "u0"]);
    let gone = server.klog(["groups", "delete-offsets", "g", "--topic", "t:0", "--yes"]);
    let said = stderr(&{ gone }.assert().code(1));
    assert!(said.contains("group g has committed nothing of topic t"), "{said}");
}

#[test]
fn a_missing_group_is_told_with_a_hint_and_hides_no_other() {
    let (server, _data) = with_records();
    commit(&server, 4);
    for line in [
        "groups describe nope",
        "groups describe nope --state",
        "groups delete nope --yes",
        "groups delete-offsets nope --topic t --yes",
        "groups export nope",
    ] {
        let said = stderr(&server.klog(line.split(' ')).assert().code(1));
        assert!(said.contains("klog: group nope does not exist"), "{line}: {said}");
        assert!(said.contains("hint: `klog groups list`"), "{line}: {said}");
    }
    let both = server.klog("groups describe nope g --format plain".split(' ')).assert().code(1);
    let printed = String::from_utf8_lossy(&both.get_output().stdout).into_owned();
    assert!(printed.starts_with("g\tt\t0\t4\t"), "{printed}");
    server.klog("groups delete nope g --yes".split(' ')).assert().code(1);
    assert_eq!(server.output_of(["groups", "list"]), "");
    let said =
        stderr(&server.klog("groups reset g --all-topics --to 1".split(' ')).assert().code(1));
    assert!(said.contains("group g has committed nothing"), "{said}");
    let said = stderr(&server.klog("groups reset g --topic t --to +1".split(' ')).assert().code(1));
    assert!(said.contains("nothing is committed of t[0] to count from"), "{said}");
}

#[test]
fn what_destroys_wants_a_yes_where_nobody_can_be_asked() {
    let (server, _data) = with_records();
    commit(&server, 4);
    for line in ["groups delete g", "groups delete-offsets g --topic t"] {
        let said = stderr(&server.klog(line.split(' ')).write_stdin("y\n").assert().code(2));
        assert!(said.contains("--yes"), "{said}");
    }
    assert_eq!(committed(&server, "g"), Some(4));
}

#[test]
fn a_wrong_place_topic_or_state_is_refused_with_one_that_would_do() {
    let refused = |line: &str| stderr(&klog_assert(line.split(' ')).assert().code(2));
    assert!(refused("groups reset g --topic t --to 5m").contains("-15m (ago)"));
    assert!(refused("groups reset g --topic t:x --to 5").contains("TOPIC:0,2"));
    assert!(refused("groups reset g --to 5").contains("--topic"));
    assert!(refused("groups reset g --topic t --all-topics --to 5").contains("--all-topics"));
    assert!(refused("groups list --state dreaming").contains("Empty, Stable"));
    assert!(refused("groups describe g --members --state").contains("--state"));
}
