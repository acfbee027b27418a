"""A member of a consumer group for klog's tests, over kafka-python, aiokafka or confluent-kafka.

member.py kafka-python|aiokafka|confluent-kafka BOOTSTRAP GROUP TOPIC ASSIGNOR

Prints a line for each thing that happens: "assigned PARTITION…", "revoked PARTITION…", "record PARTITION OFFSET VALUE". Commits what it
has printed when partitions are revoked, and at the end, which SIGTERM is.
"""

import asyncio
import logging
import signal
import sys

SESSION_MS = 3000
HEARTBEAT_MS = 100
POLL_MS = 100

stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(what, *words):
    print(what, *words, flush=True)


def say_partitions(what, partitions):
    say(what, *sorted(p.partition for p in partitions))


def say_records(records):
    for batch in records.values():
        for record in batch:
            say("record", record.partition, record.offset, record.value.decode())


def settings(bootstrap, group):
    """What kafka-python and aiokafka name alike."""
    return {
        "bootstrap_servers": bootstrap,
        "group_id": group,
        "client_id": sys.argv[1],
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": SESSION_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "fetch_max_wait_ms": POLL_MS,
    }


def kafka_python(bootstrap, group, topic, assignor):
    from kafka import AsyncConsumerRebalanceListener, KafkaConsumer
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    known = [RangePartitionAssignor, RoundRobinPartitionAssignor, CooperativeStickyAssignor]
    chosen = [one for one in known if one.name == assignor]
    consumer = KafkaConsumer(partition_assignment_strategy=chosen, **settings(bootstrap, group))

    class Listener(AsyncConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked):
            await consumer.commit_async()
            say_partitions("revoked", revoked)

        async def on_partitions_lost(self, lost):
            say_partitions("revoked", lost)

        async def on_partitions_assigned(self, assigned):
            say_partitions("assigned", assigned)

    consumer.subscribe([topic], listener=Listener())
    while not stopping:
        say_records(consumer.poll(timeout_ms=POLL_MS))
    consumer.commit()
    consumer.close()


async def aiokafka(bootstrap, group, topic, assignor):
    from aiokafka import AIOKafkaConsumer
    from aiokafka.abc import ConsumerRebalanceListener
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    chosen = [one for one in [RangePartitionAssignor, RoundRobinPartitionAssignor] if one.name == assignor]
    consumer = AIOKafkaConsumer(partition_assignment_strategy=chosen, **settings(bootstrap, group))

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked):
            if revoked:
                await consumer.commit()
            say_partitions("revoked", revoked)

        async def on_partitions_assigned(self, assigned):
            say_partitions("assigned", assigned)

    consumer.subscribe([topic], listener=Listener())
    await consumer.start()
    while not stopping:
        say_records(await consumer.getmany(timeout_ms=POLL_MS))
    await consumer.commit()
    await consumer.stop()


def confluent_kafka(bootstrap, group, topic, assignor):
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": sys.argv[1],
        "partition.assignment.strategy": assignor,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": SESSION_MS,
        "heartbeat.interval.ms": HEARTBEAT_MS,
    })
    # Where each partition goes on after what was printed of it.
    printed = {}

    def commit():
        if printed:
            consumer.commit(offsets=list(printed.values()), asynchronous=False)
        printed.clear()

    def on_revoke(_, revoked):
        commit()
        say_partitions("revoked", revoked)

    def on_lost(_, lost):
        printed.clear()
        say_partitions("revoked", lost)

    def on_assign(_, assigned):
        say_partitions("assigned", assigned)

    consumer.subscribe([topic], on_assign=on_assign, on_revoke=on_revoke, on_lost=on_lost)
    while not stopping:
        record = consumer.poll(POLL_MS / 1000)
        if record is None:
            continue
        if record.error():
            print(record.error(), file=sys.stderr)
            continue
        say("record", record.partition(), record.offset(), record.value().decode())
        printed[record.partition()] = TopicPartition(topic, record.partition(), record.offset() + 1)
    commit()
    consumer.close()


def main():
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGTERM, stop)
    member = globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
    if sys.argv[1] == "aiokafka":
        asyncio.run(member)


main()
