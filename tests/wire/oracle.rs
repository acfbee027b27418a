//! Round trips through another implementation of the protocol, the crate kafka-protocol.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};

use super::random::{Dice, Shape, body};
use super::{Half, halves};

const ROUNDS: usize = 12;

/// A message as the other implementation has it.
#[derive(PartialEq, Debug)]
enum Theirs {
    Request(RequestKind),
    Response(ResponseKind),
}

/// `None` where a message of theirs lags behind the versions that they claim for its API.
fn decode(half: &Half, key: ApiKey, version: i16, body: &Bytes) -> Option<Theirs> {
    let mut rest = body.clone();
    let read = match half.is_response {
        false => RequestKind::decode(key, &mut rest, version).map(Theirs::Request),
        true => ResponseKind::decode(key, &mut rest, version).map(Theirs::Response),
    };
    let name = half.schema.name;
    match read {
        Ok(message) => {
            assert!(rest.is_empty(), "they leave {} bytes of {name} v{version}", rest.len());
            Some(message)
        }
        Err(e) if format!("{e:#}").contains("version not supported by this message") => None,
        Err(error) => panic!("they refuse {name} v{version}: {error:#}, {body:02x?}"),
    }
}

fn encode(message: &Theirs, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    match message {
        Theirs::Request(request) => request.encode(&mut out, version).unwrap(),
        Theirs::Response(response) => response.encode(&mut out, version).unwrap(),
    }
    out.freeze()
}

/// One message through both; false where they do not have the version.
fn check(half: &Half, key: ApiKey, version: i16, dice: &mut Dice) -> bool {
    let flexible = half.api.flexible(version);
    let made = Bytes::from(body(half.schema, version, flexible, Shape::Usual, dice));
    let what = || format!("{} v{version}: {made:02x?}", half.schema.name);
    let ours = half.recode(version, made.clone()).unwrap_or_else(|e| panic!("{e} in {}", what()));
    let Some(theirs) = decode(half, key, version, &made) else { return false };
    assert_eq!(
        decode(half, key, version, &ours).as_ref(),
        Some(&theirs),
        "they read ours otherwise, {}",
        what()
    );
    let returned = encode(&theirs, version);
    let same = half.same(version, &made, &returned);
    assert_eq!(same, Ok(true), "we read theirs otherwise, {}", what());
    assert_eq!(half.recode(version, returned).unwrap(), ours, "another order, {}", what());
    true
}

#[test]
fn what_one_side_writes_the_other_reads_the_same_in_every_version_that_both_have() {
    let mut dice = Dice::seeded();
    let mut compared = 0;
    for half in halves() {
        let key = ApiKey::try_from(half.api.key).unwrap();
        let theirs = key.valid_versions();
        for version in half.versions().filter(|v| (theirs.min..=theirs.max).contains(v)) {
            let rounds = (0..ROUNDS).filter(|_| check(&half, key, version, &mut dice)).count();
            compared += usize::from(rounds == ROUNDS);
        }
    }
    assert!(compared > 150, "only {compared} versions of messages were compared");
}

#[test]
fn every_version_reads_what_it_wrote_also_where_no_other_implementation_has_it() {
    let mut dice = Dice::seeded();
    for half in halves() {
        for version in half.versions() {
            for _ in 0..ROUNDS {
                let flexible = half.api.flexible(version);
                let made = body(half.schema, version, flexible, Shape::Usual, &mut dice).into();
                let ours = half.recode(version, Bytes::clone(&made)).unwrap();
                assert_eq!(half.same(version, &made, &ours), Ok(true), "{}", half.schema.name);
            }
        }
    }
}
