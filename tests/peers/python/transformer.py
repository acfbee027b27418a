"""Moves records from one topic to another for klog's tests, exactly once, over confluent-kafka or aiokafka.

transformer.py confluent-kafka|aiokafka BOOTSTRAP GROUP SOURCE TARGET PARTITIONS TRANSACTIONAL_ID INSTANCE

It does what Transformer.java does.
"""

import asyncio
import faulthandler
import os
import signal
import sys

ABORT_EACH = 5
FENCED = 3
BATCH = 100
WAIT_S = 30

stopping = False


def stop(*_):
    global stopping
    stopping = True


def value_of(value, doomed):
    return b"doomed " + value if doomed else value


def say_at_work(turn):
    if turn == 1:
        print("at work", flush=True)


class ConfluentKafka:
    def __init__(self, bootstrap, group, source, target, partitions, transactional_id, instance):
        from confluent_kafka import Consumer, Producer

        self.target, self.partitions = target, int(partitions)
        # The default of metadata.recovery.strategy, to begin anew once no broker is left, makes librdkafka (2.16) wait for
        # ever: a transaction's offsets are to go to a group coordinator that it has put away.
        reading = {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "partition.assignment.strategy": "range",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 2000,
            "heartbeat.interval.ms": 100,
            "reconnect.backoff.max.ms": 100,
            "metadata.recovery.strategy": "none",
        }
        if instance:
            reading["group.instance.id"] = instance
        self.consumer = Consumer(reading)
        self.producer = Producer({
            "bootstrap.servers": bootstrap,
            "transactional.id": transactional_id,
            "transaction.timeout.ms": 3000,
            "reconnect.backoff.max.ms": 100,
            "linger.ms": 0,
            "metadata.recovery.strategy": "none",
        })
        self.retry(self.producer.init_transactions)
        self.consumer.subscribe([source])

    async def run(self):
        turn = 1
        while not stopping:
            polled = self.consumer.consume(BATCH, 0.1)
            for record in polled:
                if record.error():
                    self.end_if_fatal(record.error())
            records = [record for record in polled if not record.error()]
            if records:
                say_at_work(turn)
                self.move(records, turn % ABORT_EACH == 0)
                turn += 1
        self.consumer.close()

    def move(self, records, doomed):
        from confluent_kafka import KafkaException, TopicPartition

        last = {record.partition(): record for record in records}
        try:
            self.producer.begin_transaction()
            for record in records:
                to = (record.partition() + 1) % self.partitions
                self.producer.produce(self.target, value_of(record.value(), doomed), record.key(), partition=to)
            if not doomed:
                next_ = [TopicPartition(r.topic(), r.partition(), r.offset() + 1) for r in last.values()]
                group = self.consumer.consumer_group_metadata()
                self.retry(self.producer.send_offsets_to_transaction, next_, group)
                self.retry(self.producer.commit_transaction)
                return
            self.producer.flush(WAIT_S)
        except KafkaException as error:
            self.end_if_fatal(error.args[0])
            print(error, file=sys.stderr)
        self.abort([TopicPartition(r.topic(), r.partition()) for r in last.values()])

    def abort(self, places):
        from confluent_kafka import KafkaException

        try:
            self.retry(self.producer.abort_transaction)
            for place in self.retry(self.consumer.committed, places):
                place.offset = max(place.offset, 0)
                self.consumer.seek(place)
        except KafkaException as error:
            # What is no longer its own is read by another one.
            self.end_if_fatal(error.args[0])
            print(error, file=sys.stderr)

    def retry(self, call, *args):
        from confluent_kafka import KafkaError, KafkaException

        while True:
            try:
                return call(*args)
            except KafkaException as error:
                self.end_if_fatal(error.args[0])
                # A call that ran out of its time may be made again; records that did fail their transaction.
                timed_out = error.args[0].code() == KafkaError._TIMED_OUT
                if error.args[0].txn_requires_abort() or not (error.args[0].retriable() or timed_out):
                    raise
                print("again after", error, file=sys.stderr, flush=True)

    def end_if_fatal(self, error):
        from confluent_kafka import KafkaError

        if error.fatal() or error.code() in (KafkaError._FENCED, KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID):
            print(error, file=sys.stderr, flush=True)
            # Without the goodbye to the broker that it no longer is to say.
            os._exit(FENCED)


class Aiokafka:
    def __init__(self, *args):
        self.bootstrap, self.group, self.source, self.target, partitions, self.transactional_id, self.instance = args
        self.partitions = int(partitions)

    async def run(self):
        from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
        from aiokafka.errors import ProducerFenced

        consumer = AIOKafkaConsumer(
            self.source,
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            group_instance_id=self.instance or None,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=2000,
            heartbeat_interval_ms=100,
            max_poll_records=BATCH,
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=self.transactional_id, transaction_timeout_ms=3000
        )
        await producer.start()
        await consumer.start()
        turn = 1
        try:
            while not stopping:
                if polled := await consumer.getmany(timeout_ms=100):
                    say_at_work(turn)
                    await self.move(consumer, producer, polled, turn % ABORT_EACH == 0)
                    turn += 1
        except ProducerFenced as error:
            print(error, file=sys.stderr)
            sys.exit(FENCED)
        await consumer.stop()
        await producer.stop()

    async def move(self, consumer, producer, polled, doomed):
        await producer.begin_transaction()
        sent = []
        for place, records in polled.items():
            for record in records:
                to = (place.partition + 1) % self.partitions
                sent.append(await producer.send(self.target, value_of(record.value, doomed), record.key, partition=to))
        await asyncio.gather(*sent)
        if not doomed:
            offsets = {place: records[-1].offset + 1 for place, records in polled.items()}
            await producer.send_offsets_to_transaction(offsets, self.group)
            await producer.commit_transaction()
            return
        await producer.abort_transaction()
        for place in polled:
            consumer.seek(place, await consumer.committed(place) or 0)


def main():
    signal.signal(signal.SIGTERM, stop)
    faulthandler.register(signal.SIGQUIT)
    transformer = {"confluent-kafka": ConfluentKafka, "aiokafka": Aiokafka}[sys.argv[1]]
    asyncio.run(transformer(*sys.argv[2:]).run())


main()
