//! What brokers tell of themselves and of the cluster.

use super::super::error::ClientError;
use super::super::handle::Lane;
use super::Admin;
use crate::wire::api_versions::ApiVersionsRequest;
use crate::wire::describe_cluster::DescribeClusterRequest;
use crate::wire::describe_log_dirs::DescribeLogDirsRequest;

/// The cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    /// What it calls itself.
    pub cluster_id: String,
    /// The controller, as brokers tell it; None for none.
    pub controller: Option<i32>,
    /// By node id.
    pub brokers: Vec<BrokerInfo>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Its `node.id`.
    pub id: i32,
    /// Its advertised host.
    pub host: String,
    /// Its advertised port.
    pub port: i32,
    /// Its rack.
    pub rack: Option<String>,
}

/// One log directory of a broker.
#[derive(Clone, Debug)]
pub struct LogDir {
    /// The broker.
    pub broker: i32,
    /// Its path there.
    pub path: String,
    /// Why it is of no use, if it is not.
    pub error: Option<ClientError>,
    /// Size of its volume in bytes; None where the broker does not tell.
    pub total_bytes: Option<i64>,
    /// Free bytes of its volume.
    pub usable_bytes: Option<i64>,
    /// What stands in it.
    pub partitions: Vec<LogDirPartition>,
}

/// One partition in a log directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Its segments in bytes.
    pub size_bytes: i64,
    /// How far it is behind, in records.
    pub offset_lag: i64,
    /// Whether it is a copy that is on its way in.
    pub future: bool,
}

/// What a broker supports and the cluster has settled on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Features {
    /// (name, lowest, highest) supported.
    pub supported: Vec<(String, i16, i16)>,
    /// (name, level) finalized.
    pub finalized: Vec<(String, i16)>,
    /// How often they changed; None where the broker does not tell.
    pub epoch: Option<i64>,
    /// (API key, lowest, highest version) served.
    pub apis: Vec<(i16, i16, i16)>,
}

impl Admin {
    /// The cluster and its brokers.
    ///
    /// # Errors
    /// Where nobody answers or the broker refuses.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, ClientError> {
        let request = DescribeClusterRequest::default();
        let answer = self.client.ask_any(&request).await?;
        let message = answer.error_message.as_deref();
        ClientError::check(answer.error_code, message, || "DescribeCluster".into())?;
        let broker = |b: &crate::wire::describe_cluster::DescribeClusterBroker| BrokerInfo {
            id: b.broker_id,
            host: b.host.to_string(),
            port: b.port,
            rack: b.rack.as_ref().map(ToString::to_string),
        };
        let mut brokers: Vec<BrokerInfo> = answer.brokers.iter().map(broker).collect();
        brokers.sort_by_key(|b| b.id);
        Ok(ClusterDescription {
            cluster_id: answer.cluster_id.to_string(),
            controller: Some(answer.controller_id).filter(|id| *id >= 0),
            brokers,
        })
    }

    /// The log directories of all brokers, with every partition's size.
    ///
    /// # Errors
    /// Where a broker does not answer.
    pub async fn describe_log_dirs(&self) -> Result<Vec<LogDir>, ClientError> {
        let mut ids: Vec<i32> = self.client.cluster().brokers.keys().copied().collect();
        ids.sort_unstable();
        let request = DescribeLogDirsRequest { topics: None, ..Default::default() };
        let mut out = Vec::new();
        for broker in ids {
            let connection = self.client.broker(broker, Lane::General).await?;
            let answer = connection.call(&request, self.client.config().request_timeout).await?;
            ClientError::check(answer.error_code, None, || format!("broker {broker}"))?;
            for told in &answer.results {
                let path = told.log_dir.to_string();
                let error = ClientError::check(told.error_code, None, || path.clone()).err();
                let partitions = told.topics.iter().flat_map(|topic| {
                    topic.partitions.iter().map(|p| LogDirPartition {
                        topic: topic.name.to_string(),
                        partition: p.partition_index,
                        size_bytes: p.partition_size,
                        offset_lag: p.offset_lag,
                        future: p.is_future_key,
                    })
                });
                let partitions = partitions.collect();
                let known = |bytes: i64| Some(bytes).filter(|n| *n >= 0);
                let (total_bytes, usable_bytes) =
                    (known(told.total_bytes), known(told.usable_bytes));
                out.push(LogDir { broker, path, error, total_bytes, usable_bytes, partitions });
            }
        }
        Ok(out)
    }

    /// What a broker serves and supports, and what the cluster has finalized.
    ///
    /// # Errors
    /// Where nobody answers or the broker refuses.
    pub async fn describe_features(&self) -> Result<Features, ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "klog".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
            ..ApiVersionsRequest::default()
        };
        let answer = self.client.ask_any(&request).await?;
        ClientError::check(answer.error_code, None, || "ApiVersions".into())?;
        let supported = answer.supported_features.iter();
        let finalized = answer.finalized_features.iter();
        Ok(Features {
            supported: supported
                .map(|f| (f.name.to_string(), f.min_version, f.max_version))
                .collect(),
            finalized: finalized.map(|f| (f.name.to_string(), f.max_version_level)).collect(),
            epoch: Some(answer.finalized_features_epoch).filter(|e| *e >= 0),
            apis: answer
                .api_keys
                .iter()
                .map(|a| (a.api_key, a.min_version, a.max_version))
                .collect(),
        })
    }
}
