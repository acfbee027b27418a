"""A Kafka client for klog's tests, over kafka-python or aiokafka.

peer.py kafka-python|aiokafka produce BOOTSTRAP TOPIC CODEC   sends the records on stdin, then ends
peer.py kafka-python|aiokafka consume BOOTSTRAP TOPIC COUNT   prints COUNT records from the start of every partition

A record is a line of JSON: partition, offset, timestamp in ms, and key, value and header values in base64 or null.
"""

import asyncio
import base64
import json
import logging
import sys


def decoded(text):
    return None if text is None else base64.b64decode(text)


def encoded(data):
    return None if data is None else base64.b64encode(bytes(data)).decode()


def read_records():
    for line in sys.stdin:
        record = json.loads(line)
        yield {
            "partition": record["partition"],
            "timestamp_ms": record["timestamp"],
            "key": decoded(record["key"]),
            "value": decoded(record["value"]),
            "headers": [(h["key"], decoded(h["value"])) for h in record["headers"]],
        }


def print_record(record):
    line = {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": encoded(record.key),
        "value": encoded(record.value),
        "headers": [{"key": k, "value": encoded(v)} for k, v in record.headers],
    }
    print(json.dumps(line), flush=True)


def kafka_python_produce(bootstrap, topic, codec):
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec)
    futures = [producer.send(topic, **record) for record in read_records()]
    producer.flush()
    for future in futures:
        future.get(timeout=30)
    producer.close()


def kafka_python_consume(bootstrap, topic, count):
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)])
    for _ in range(count):
        print_record(next(consumer))
    consumer.close()


async def aiokafka_produce(bootstrap, topic, codec):
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=codec, enable_idempotence=True
    ) as producer:
        futures = [await producer.send(topic, **record) for record in read_records()]
        await asyncio.gather(*futures)


async def aiokafka_consume(bootstrap, topic, count):
    from aiokafka import AIOKafkaConsumer

    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        for _ in range(count):
            print_record(await consumer.getone())


def main():
    logging.basicConfig(level=logging.WARNING)
    client, verb, bootstrap, topic, last = sys.argv[1:]
    last = (None if last == "none" else last) if verb == "produce" else int(last)
    work = globals()[f"{client.replace('-', '_')}_{verb}"](bootstrap, topic, last)
    if client == "aiokafka":
        asyncio.run(work)


main()
