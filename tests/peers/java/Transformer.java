import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Moves records from one topic to another for klog's tests, exactly once, over Kafka's own client.
 *
 * Transformer BOOTSTRAP GROUP SOURCE TARGET PARTITIONS TRANSACTIONAL_ID INSTANCE: until SIGTERM, or with exit code 3 once another one took
 * its place, or with 4 where its client wants to be closed and opened again. INSTANCE is its group.instance.id, if not empty. Prints "at work" with its first records.
 *
 * Each batch is moved in one transaction, each record to the partition after its own. Each fifth transaction is aborted after its records
 * are written, and they say so: their values begin with "doomed ". Then it goes back to what is committed.
 */
public class Transformer {
    private static final int ABORT_EACH = 5;
    private static final int FENCED = 3;

    private static volatile boolean stopping;

    private final String source;
    private final String target;
    private final int partitions;
    private final KafkaConsumer<String, String> consumer;
    private final KafkaProducer<String, String> producer;

    private Transformer(String[] args) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("group.id", args[1]);
        settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        settings.put("isolation.level", "read_committed");
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", "2000");
        settings.put("heartbeat.interval.ms", "100");
        settings.put("max.poll.records", "100");
        if (!args[6].isEmpty()) {
            settings.put("group.instance.id", args[6]);
        }
        source = args[2];
        target = args[3];
        partitions = Integer.parseInt(args[4]);
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        Properties writing = new Properties();
        writing.put("bootstrap.servers", args[0]);
        writing.put("transactional.id", args[5]);
        writing.put("transaction.timeout.ms", "3000");
        producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer());
    }

    public static void main(String[] args) throws Exception {
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(main)));
        try {
            new Transformer(args).run();
        } catch (ProducerFencedException | InvalidProducerEpochException | FencedInstanceIdException e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(FENCED);
        }
    }

    private static void stop(Thread main) {
        stopping = true;
        try {
            main.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        producer.initTransactions();
        consumer.subscribe(List.of(source));
        for (int turn = 1; !stopping; ) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
            if (!records.isEmpty()) {
                if (turn == 1) {
                    System.out.println("at work");
                }
                move(records, turn++ % ABORT_EACH == 0);
            }
        }
        producer.close();
        consumer.close();
    }

    private void move(ConsumerRecords<String, String> records, boolean doomed) {
        try {
            producer.beginTransaction();
            Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
            for (ConsumerRecord<String, String> record : records) {
                String value = doomed ? "doomed " + record.value() : record.value();
                producer.send(new ProducerRecord<>(target, (record.partition() + 1) % partitions, record.key(), value));
                next.put(new TopicPartition(source, record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            producer.flush();
            if (!doomed) {
                producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
                producer.commitTransaction();
                return;
            }
        } catch (ProducerFencedException | InvalidProducerEpochException | FencedInstanceIdException e) {
            throw e;
        } catch (KafkaException e) {
            e.printStackTrace();
        }
        producer.abortTransaction();
        consumer.committed(consumer.assignment()).forEach(
            (place, offset) -> consumer.seek(place, offset == null ? 0 : offset.offset()));
    }
}
