"""Transactions for klog's tests, over confluent-kafka or aiokafka, one command a line on stdin.

transactor.py confluent-kafka|aiokafka BOOTSTRAP

The commands and their answers are those of Transactor.java.
"""

import asyncio
import sys
import time

DEADLINE_S = 30
POLL_MS = 20


def say(what, *words):
    print(what, *words, flush=True)


class ConfluentKafka:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.producers = {}

    async def init(self, name, transactional_id, timeout_ms):
        from confluent_kafka import Producer

        self.producers[name] = Producer({
            "bootstrap.servers": self.bootstrap,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": int(timeout_ms),
            "linger.ms": 0,
        })
        self.producers[name].init_transactions(DEADLINE_S)

    async def begin(self, name):
        self.producers[name].begin_transaction()

    async def send(self, name, topic, partition, *values):
        from confluent_kafka import KafkaException

        errors = []
        for value in values:
            self.producers[name].produce(
                topic, value, partition=int(partition), on_delivery=lambda error, _: error and errors.append(error)
            )
        self.producers[name].flush(DEADLINE_S)
        if errors:
            raise KafkaException(errors[0])

    async def offsets(self, name, group, topic, partition, offset):
        from confluent_kafka import Consumer, TopicPartition

        # Only a consumer can say what group it is of.
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        metadata = consumer.consumer_group_metadata()
        place = TopicPartition(topic, int(partition), int(offset))
        self.producers[name].send_offsets_to_transaction([place], metadata, DEADLINE_S)
        consumer.close()

    async def commit(self, name):
        self.producers[name].commit_transaction(DEADLINE_S)

    async def abort(self, name):
        self.producers[name].abort_transaction(DEADLINE_S)

    async def read(self, isolation, topic, partitions):
        from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

        consumer = Consumer({
            "bootstrap.servers": self.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "isolation.level": "read_" + isolation,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": POLL_MS,
        })
        # librdkafka takes half a second to ask for the beginning.
        consumer.assign([TopicPartition(topic, p, 0) for p in range(int(partitions))])
        ended = set()
        deadline = time.monotonic() + DEADLINE_S
        while len(ended) < int(partitions):
            if time.monotonic() > deadline:
                raise TimeoutError("the end is not reached")
            record = consumer.poll(0.1)
            if record is None:
                continue
            if not record.error():
                say("record", record.partition(), record.offset(), record.value().decode())
            elif record.error().code() == KafkaError._PARTITION_EOF:
                ended.add(record.partition())
            else:
                raise KafkaException(record.error())
        consumer.close()


class Aiokafka:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.producers = {}

    async def init(self, name, transactional_id, timeout_ms):
        from aiokafka import AIOKafkaProducer

        self.producers[name] = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=transactional_id, transaction_timeout_ms=int(timeout_ms)
        )
        await self.producers[name].start()

    async def begin(self, name):
        await self.producers[name].begin_transaction()

    async def send(self, name, topic, partition, *values):
        sent = [await self.producers[name].send(topic, v.encode(), partition=int(partition)) for v in values]
        await asyncio.gather(*sent)

    async def offsets(self, name, group, topic, partition, offset):
        from aiokafka import TopicPartition

        offsets = {TopicPartition(topic, int(partition)): int(offset)}
        await self.producers[name].send_offsets_to_transaction(offsets, group)

    async def commit(self, name):
        await self.producers[name].commit_transaction()

    async def abort(self, name):
        await self.producers[name].abort_transaction()

    async def read(self, isolation, topic, partitions):
        from aiokafka import AIOKafkaConsumer, TopicPartition

        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level="read_" + isolation, fetch_max_wait_ms=POLL_MS
        )
        await consumer.start()
        places = [TopicPartition(topic, p) for p in range(int(partitions))]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        end_of = consumer.last_stable_offset if isolation == "committed" else consumer.highwater
        deadline = time.monotonic() + DEADLINE_S
        while not all([end_of(p) is not None and await consumer.position(p) >= end_of(p) for p in places]):
            if time.monotonic() > deadline:
                raise TimeoutError("the end is not reached")
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                for record in batch:
                    say("record", record.partition, record.offset, record.value.decode())
        await consumer.stop()


def name_of(error):
    """librdkafka's error has its name inside."""
    inside = error.args[0] if error.args else None
    return inside.name() if hasattr(inside, "name") else type(error).__name__


async def main():
    transactor = {"confluent-kafka": ConfluentKafka, "aiokafka": Aiokafka}[sys.argv[1]](sys.argv[2])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, *words = line.split()
        try:
            await getattr(transactor, command)(*words)
            say("ok")
        except Exception as error:
            print(repr(error), file=sys.stderr)
            say("failed", name_of(error))


asyncio.run(main())
