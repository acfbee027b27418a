//! The topic that is written to: there, or made.

use klog::base::TopicName;
use klog::client::{Admin, Client, ClientError, NewTopic, TopicDescription};

use crate::connect::explain;
use crate::exit::{Hint as _, advise};

/// Makes the topic if it is missing and `partitions` says how many it is to have; tells how many it has.
///
/// # Errors
/// If it is missing, or has another number of partitions.
pub async fn ensure(
    client: &Client,
    name: &TopicName,
    partitions: Option<i32>,
) -> anyhow::Result<i32> {
    let admin = Admin::new(client);
    let there = match described(&admin, name).await? {
        Ok(topic) => topic.partitions.len() as i32,
        Err(ClientError::UnknownTopic { .. }) => return create(&admin, name, partitions).await,
        Err(error) => return Err(explain(error)),
    };
    match partitions {
        Some(wanted) if wanted != there => {
            let error = anyhow::anyhow!("topic {name} has {there} partitions, not {wanted}");
            Err(error).hint("without --partitions it is taken as it is")
        }
        _ => Ok(there),
    }
}

async fn create(admin: &Admin, name: &TopicName, partitions: Option<i32>) -> anyhow::Result<i32> {
    let Some(count) = partitions else {
        let error = ClientError::UnknownTopic { topic: name.clone() };
        return Err(advise(error, "--partitions N creates it"));
    };
    let topic = NewTopic { partitions, ..NewTopic::new(name.clone()) };
    for (name, created) in admin.create_topics(&[topic], false).await.map_err(explain)? {
        created.map_err(|error| explain(error).context(format!("topic {name} was not created")))?;
    }
    tracing::info!("created topic {name} with {count} partitions");
    Ok(count)
}

async fn described(
    admin: &Admin,
    name: &TopicName,
) -> anyhow::Result<Result<TopicDescription, ClientError>> {
    let told = admin.describe_topics(std::slice::from_ref(name)).await.map_err(explain)?;
    let unknown = || Err(ClientError::UnknownTopic { topic: name.clone() });
    Ok(told.into_iter().next().map_or_else(unknown, |(_, topic)| topic))
}
