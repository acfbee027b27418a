//! DescribeConfigs (key 32). The configs of topics, brokers and broker loggers (KIP-133, KIP-569).

use bytestring::ByteString;

use super::macros::{message, request};

message! {
    /// Whose configs to describe.
    DescribeConfigsRequest {
        resources: Vec<DescribeConfigsResource>, [0..];
        include_synonyms: bool, [1..];
        include_documentation: bool, [3..];
    }

    /// Part of [`DescribeConfigsRequest`]: see its `resources`.
    DescribeConfigsResource {
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        configuration_keys: Option<Vec<ByteString>>, [0..], nullable [0..], default Some(Vec::new());
    }

    /// Their values, where they come from, what they mean.
    DescribeConfigsResponse {
        throttle_time_ms: i32, [0..];
        results: Vec<DescribeConfigsResult>, [0..];
    }

    /// Part of [`DescribeConfigsResponse`]: see its `results`.
    DescribeConfigsResult {
        error_code: i16, [0..];
        error_message: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        resource_type: i8, [0..];
        resource_name: ByteString, [0..];
        configs: Vec<DescribeConfigsResourceResult>, [0..];
    }

    /// Part of [`DescribeConfigsResult`]: see its `configs`.
    DescribeConfigsResourceResult {
        name: ByteString, [0..];
        value: Option<ByteString>, [0..], nullable [0..], default Some(ByteString::new());
        read_only: bool, [0..];
        config_source: i8, [1..], default -1, ignorable = true;
        is_sensitive: bool, [0..];
        synonyms: Vec<DescribeConfigsSynonym>, [1..], ignorable = true;
        config_type: i8, [3..], ignorable = true;
        documentation: Option<ByteString>, [3..], nullable [0..], default Some(ByteString::new()), ignorable = true;
    }

    /// Part of [`DescribeConfigsResourceResult`]: see its `synonyms`.
    DescribeConfigsSynonym {
        name: ByteString, [1..];
        value: Option<ByteString>, [1..], nullable [0..], default Some(ByteString::new());
        source: i8, [1..];
    }
}

request!(DescribeConfigsRequest => DescribeConfigsResponse, "DescribeConfigs" 32, [1..=4], flexible 4);
