use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use super::metadata::MetadataRequest;
use super::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use super::*;

fn produce(records: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: ByteString::from_static("events"),
            partition_data: vec![PartitionProduceData {
                index: 3,
                records: Some(Records::Bytes(records)),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn encoded<T: Request>(request: &T, version: i16) -> Bytes {
    let mut out = Encoder::default();
    request.encode(version, &mut out).unwrap();
    out.into_bytes().unwrap()
}

#[test]
fn records_of_a_decoded_request_are_a_slice_of_its_frame() {
    let frame = encoded(&produce(Bytes::from(vec![7; 1000])), 9);
    let request = ProduceRequest::decode(9, frame.clone()).unwrap();
    let Some(Records::Bytes(records)) = &request.topic_data[0].partition_data[0].records else {
        panic!("no records")
    };
    assert!(frame.as_ptr_range().contains(&records.as_ptr()));
    assert_eq!(request, produce(Bytes::from(vec![7; 1000])));
}

#[test]
fn a_slot_leaves_a_hole_of_its_length_between_two_pieces() {
    let partition =
        PartitionData { records: Some(Records::Slot { index: 5, len: 77 }), ..Default::default() };
    let topic = FetchableTopicResponse { partitions: vec![partition], ..Default::default() };
    let response = FetchResponse { responses: vec![topic], ..Default::default() };
    let mut out = Encoder::default();
    fetch::FetchRequest::encode_response(&response, 12, &mut out).unwrap();
    let total = out.len();
    let pieces = out.finish();
    let [Piece::Bytes(before), Piece::Slot { index: 5, len: 77 }, Piece::Bytes(after)] =
        &pieces[..]
    else {
        panic!("{pieces:?}")
    };
    assert_eq!(total, before.len() + 77 + after.len());
}

#[test]
fn a_count_that_the_frame_cannot_hold_is_refused_before_anything_is_allocated() {
    let mut body = BytesMut::new();
    body.put_i32(i32::MAX);
    let error = MetadataRequest::decode(1, body.freeze()).unwrap_err();
    assert_eq!(error.field, "topics");
    assert_eq!(error.fault, Fault::Length { length: i64::from(i32::MAX), left: 0 });
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut body = BytesMut::from(&encoded(&MetadataRequest::default(), 1)[..]);
    body.put_u8(0);
    let error = MetadataRequest::decode(1, body.freeze()).unwrap_err();
    assert_eq!(error.fault, Fault::Trailing { count: 1 });
}

#[test]
fn unknown_tagged_fields_are_kept() {
    let mut frame = BytesMut::from(&encoded(&MetadataRequest::default(), 9)[..]);
    frame.truncate(frame.len() - 1);
    frame.put_slice(&[1, 9, 2, b'o', b'k']);
    let request = MetadataRequest::decode(9, frame.clone().freeze()).unwrap();
    assert_eq!(request.unknown_tags.as_slice(), [(9, Bytes::from_static(b"ok"))]);
    assert_eq!(encoded(&request, 9), frame);
}

#[test]
fn tags_that_do_not_ascend_are_refused() {
    let mut frame = BytesMut::from(&encoded(&MetadataRequest::default(), 9)[..]);
    frame.truncate(frame.len() - 1);
    frame.put_slice(&[2, 9, 0, 9, 0]);
    let error = MetadataRequest::decode(9, frame.freeze()).unwrap_err();
    assert_eq!(error.fault, Fault::TagOrder { tag: 9, after: 9 });
}

#[test]
fn a_value_that_the_version_lacks_is_refused_unless_it_may_be_dropped() {
    let mut request = produce(Bytes::new());
    request.transactional_id = Some(ByteString::from_static("t"));
    request.topic_data[0].topic_id = Uuid([1; 16]);
    let mut out = Encoder::default();
    request.encode(3, &mut out).unwrap();
    let error = request.encode(2, &mut out).unwrap_err();
    assert_eq!(error, EncodeError::Version { message: "ProduceRequest", version: 2 });
    let wants_no_creation =
        MetadataRequest { allow_auto_topic_creation: false, ..Default::default() };
    let error = wants_no_creation.encode(1, &mut out).unwrap_err();
    let field = "allow_auto_topic_creation";
    assert_eq!(error, EncodeError::NotInVersion { message: "MetadataRequest", field, version: 1 });
}

#[test]
fn null_where_there_is_none_is_refused_both_ways() {
    let all = MetadataRequest { topics: None, ..Default::default() };
    let mut out = Encoder::default();
    assert!(matches!(all.encode(0, &mut out), Err(EncodeError::Null { field: "topics", .. })));
    let null = Bytes::from_static(&[0xff; 4]);
    assert_eq!(MetadataRequest::decode(0, null.clone()).unwrap_err().fault, Fault::Null);
    assert_eq!(MetadataRequest::decode(1, null).unwrap().topics, None);
}

#[test]
fn api_versions_always_answers_with_the_oldest_header() {
    let mut out = Encoder::default();
    encode_response_header(api_versions::ApiVersionsRequest::API, 3, 9, &mut out);
    assert_eq!(out.len(), 4);
    let mut out = Encoder::default();
    encode_response_header(MetadataRequest::API, 9, 9, &mut out);
    assert_eq!(out.len(), 5);
}

message! {
    /// A structure that may be null, once plain and once tagged.
    Outer {
        plain: Option<Inner>, [0..], nullable [0..];
        tagged: Option<Inner>, [0..], nullable [0..], tag 0 [0..], default Some(Inner::default());
    }

    /// What is in it.
    Inner {
        number: i8, [0..];
        deeper: Option<Deepest>, [0..], nullable [0..];
    }

    /// What is in that.
    Deepest {
        number: i8, [0..];
    }
}

/// As Kafka 4.3's generated code writes it: it was found where klog took over Kafka's records of consumer groups.
#[test]
fn null_is_minus_one_before_a_plain_structure_and_zero_before_a_tagged_one() {
    let some = Inner { number: 7, ..Default::default() };
    for (message, bytes) in [
        (Outer { plain: None, tagged: None, ..Default::default() }, &[0xff, 1, 0, 1, 0][..]),
        (
            Outer { plain: Some(some.clone()), tagged: Some(some), ..Default::default() },
            &[1, 7, 0xff, 0, 1, 0, 4, 1, 7, 0xff, 0],
        ),
        (Outer::default(), &[0xff, 0]),
    ] {
        let mut out = Encoder::default();
        message.encode_body(0, true, &mut out).unwrap();
        let written = out.into_bytes().unwrap();
        assert_eq!(written, bytes);
        assert_eq!(Outer::decode_body(0, true, written).unwrap(), message);
    }
}
