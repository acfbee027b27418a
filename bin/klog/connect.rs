//! From the connection options to a connected client, with errors that say what to try next.

use std::time::Duration;

use anyhow::Context as _;
use klog::base::ErrorCode;
use klog::client::{
    Client, ClientConfig, ClientError, ConnectionError, ConsumeError, ProduceError, PropertyError,
    Role, TransactionError, parse_properties,
};

use crate::client_args::ClientArgs;
use crate::exit::{Hint as _, advise, usage};

/// Silence that needs no explanation.
const PATIENCE: Duration = Duration::from_secs(1);

/// Client properties as they were given: file first, then -X, then what options say.
pub struct Properties {
    entries: Vec<(String, String)>,
}

impl Properties {
    /// Reads the file, if one is named, and puts -X behind it.
    ///
    /// # Errors
    /// If the file cannot be read or is no properties file.
    pub fn gather(args: &ClientArgs) -> anyhow::Result<Properties> {
        let mut entries = match &args.command_config {
            None => Vec::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))
                    .hint("--command-config takes a Java properties file")?;
                parse_properties(&text)
                    .map_err(|problems| refused(&problems))
                    .with_context(|| format!("{} is not sound", path.display()))?
            }
        };
        entries.extend(args.properties.iter().cloned());
        if !args.bootstrap_server.is_empty() {
            entries.push(("bootstrap.servers".into(), args.bootstrap_server.join(",")));
        }
        Ok(Properties { entries })
    }

    /// Adds what an option of the command says; it goes before -X.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.entries.push((name.to_owned(), value.to_string()));
    }

    /// What holds where nothing else is said.
    pub fn set_default(&mut self, name: &str, value: impl ToString) {
        self.entries.insert(0, (name.to_owned(), value.to_string()));
    }

    /// Without those that are for another kind of client alone: for commands that have two.
    pub fn of_role(&self, role: Role) -> Properties {
        let is_of_another = |entry: &(String, String)| {
            let checked = ClientConfig::from_properties(role, std::slice::from_ref(entry));
            let problems = checked.err().unwrap_or_default();
            problems.iter().any(|problem| matches!(problem, PropertyError::WrongRole { .. }))
        };
        let entries = self.entries.iter().filter(|entry| !is_of_another(entry));
        Properties { entries: entries.cloned().collect() }
    }

    /// Whether something says `name`.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// The client's own settings, and those of its role as `special` reads them.
    ///
    /// # Errors
    /// A usage error that names every property that is not taken.
    pub fn configs<T>(
        &self,
        role: Role,
        timeout: Duration,
        special: impl FnOnce(&[(String, String)]) -> Result<T, Vec<PropertyError>>,
    ) -> anyhow::Result<(ClientConfig, T)> {
        let general = ClientConfig::from_properties(role, &self.entries);
        let (mut config, special) = match (general, special(&self.entries)) {
            (Ok(config), Ok(special)) => (config, special),
            (general, special) => {
                let mut problems = general.err().unwrap_or_default();
                problems.extend(special.err().unwrap_or_default());
                return Err(refused(&problems));
            }
        };
        let own = |name: &str| self.has(name);
        if !own("request.timeout.ms") {
            config.request_timeout = timeout;
        }
        if !own("default.api.timeout.ms") {
            config.api_timeout = timeout;
        }
        if !own("socket.connection.setup.timeout.ms") {
            config.connect_timeout = timeout.min(config.connect_timeout);
        }
        Ok((config, special))
    }
}

/// All properties that are not taken, in one usage error.
fn refused(problems: &[PropertyError]) -> anyhow::Error {
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    usage(texts.join("\n  and "))
}

/// Finds the cluster. Says so on stderr if that takes a while.
///
/// # Errors
/// If no broker answers in time.
pub async fn connect(config: ClientConfig) -> anyhow::Result<Client> {
    let servers = config.bootstrap.join(", ");
    let within = config.api_timeout;
    let connecting = Client::connect(config);
    tokio::pin!(connecting);
    let connected = tokio::select! {
        connected = &mut connecting => connected,
        () = tokio::time::sleep(PATIENCE.min(within)) => {
            if within > PATIENCE {
                tracing::warn!("no broker answers at {servers} yet; trying for {within:?}");
            }
            connecting.await
        }
    };
    connected.map_err(explain)
}

/// An error of the library's with the next thing to try.
pub fn explain(error: impl Into<Failure>) -> anyhow::Error {
    let failure: Failure = error.into();
    match failure.hint() {
        Some(hint) => advise(failure.into_error(), hint),
        None => failure.into_error(),
    }
}

/// Any of the client library's errors.
pub enum Failure {
    /// Of an operation.
    Client(ClientError),
    /// Of a record that was sent.
    Produce(ProduceError),
    /// Of reading.
    Consume(ConsumeError),
    /// Of a transaction.
    Transaction(TransactionError),
}

impl From<TransactionError> for Failure {
    fn from(error: TransactionError) -> Failure {
        Failure::Transaction(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        Failure::Client(error)
    }
}

impl From<ProduceError> for Failure {
    fn from(error: ProduceError) -> Failure {
        match error {
            ProduceError::Client(error) => Failure::Client(error),
            ProduceError::Transaction(error) => Failure::Transaction(error),
            error => Failure::Produce(error),
        }
    }
}

impl From<ConsumeError> for Failure {
    fn from(error: ConsumeError) -> Failure {
        match error {
            ConsumeError::Client(error) => Failure::Client(error),
            error => Failure::Consume(error),
        }
    }
}

impl Failure {
    fn into_error(self) -> anyhow::Error {
        match self {
            Failure::Client(error) => error.into(),
            Failure::Produce(error) => error.into(),
            Failure::Consume(error) => error.into(),
            Failure::Transaction(error) => error.into(),
        }
    }

    fn hint(&self) -> Option<String> {
        let code = match self {
            Failure::Client(error) => match error {
                ClientError::Unreachable {
                    cause: Some(ConnectionError::Foreign { protocol, .. }),
                    ..
                } => {
                    return Some(match *protocol {
                        "TLS" => {
                            "klog speaks no TLS yet: name a plaintext listener with -b HOST:PORT"
                                .into()
                        }
                        _ => "name a broker's listener with -b HOST:PORT".into(),
                    });
                }
                ClientError::Unreachable { .. } => {
                    return Some(
                        "start one with `klog serve`, or name another with -b HOST:PORT".into(),
                    );
                }
                ClientError::UnknownTopic { topic } => {
                    return Some(format!(
                        "`klog topics list` shows what there is; `klog topics create {topic}` makes it"
                    ));
                }
                ClientError::UnknownPartition { topic, .. } => {
                    return Some(format!(
                        "`klog topics alter {topic} --partitions N` adds partitions"
                    ));
                }
                ClientError::TimedOut { .. } => {
                    return Some("--timeout allows it more time".into());
                }
                error => error.code(),
            },
            Failure::Produce(ProduceError::TooLarge { limit, .. }) => {
                return Some(format!(
                    "-X {limit}=BYTES allows more; so must the topic's max.message.bytes"
                ));
            }
            Failure::Produce(error) => error.code(),
            Failure::Consume(ConsumeError::Corrupt { offset, .. }) => {
                return Some(format!("-o {} goes on behind it", offset + 1));
            }
            Failure::Consume(ConsumeError::NoOffset { .. }) => {
                return Some("--reset earliest or --reset latest starts somewhere".into());
            }
            Failure::Consume(error) => error.code(),
            Failure::Transaction(error) => error.code(),
        };
        hint_for(code?).map(str::to_owned)
    }
}

/// What to try when a broker answers with this code.
fn hint_for(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => {
            Some("`klog topics alter TOPIC -c max.message.bytes=N` lets larger batches in")
        }
        ErrorCode::InvalidReplicationFactor => Some("-r is at most the number of brokers"),
        ErrorCode::InvalidConfig => {
            Some("`klog topics configs TOPIC --all`, of any topic, lists what can be set")
        }
        ErrorCode::NotEnoughReplicas | ErrorCode::NotEnoughReplicasAfterAppend => {
            Some("`klog topics describe --under-replicated` shows what is missing")
        }
        ErrorCode::KafkaStorageError => {
            Some("the broker's log says which disk or file is the matter")
        }
        ErrorCode::InconsistentGroupProtocol => {
            Some("all members of a group need an assignor in common: --assignor")
        }
        ErrorCode::FencedInstanceId => Some("another member of the group has the same --static-id"),
        ErrorCode::InvalidSessionTimeout => {
            Some("-X session.timeout.ms=MS must lie within the broker's group.*.session.timeout.ms")
        }
        ErrorCode::InvalidProducerEpoch | ErrorCode::ProducerFenced => Some(
            "-X transaction.timeout.ms=MS lets a transaction last longer; each producer needs an id of its own",
        ),
        ErrorCode::InvalidTransactionTimeout => {
            Some("-X transaction.timeout.ms=MS is at most the brokers' transaction.max.timeout.ms")
        }
        ErrorCode::InvalidTimestamp => {
            Some("the topic's message.timestamp.* configs bound how old or new a record may be")
        }
        _ => None,
    }
}
