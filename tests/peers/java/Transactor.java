import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Transactions for klog's tests, over Kafka's own client, one command a line on stdin.
 *
 * Transactor BOOTSTRAP
 *
 *   init PRODUCER TRANSACTIONAL_ID TIMEOUT_MS    begin PRODUCER    commit PRODUCER    abort PRODUCER
 *   send PRODUCER TOPIC PARTITION VALUE…         waits until all are acknowledged
 *   offsets PRODUCER GROUP TOPIC PARTITION OFFSET
 *   read committed|uncommitted TOPIC PARTITIONS  prints "record PARTITION OFFSET VALUE" from the start to the end of each partition
 *
 * Each is answered by "ok", or "failed" and the client's name for the error.
 */
public class Transactor {
    private final String bootstrap;
    private final Map<String, KafkaProducer<String, String>> producers = new HashMap<>();

    private Transactor(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    public static void main(String[] args) throws Exception {
        Transactor transactor = new Transactor(args[0]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println(transactor.answer(line.split(" ")));
        }
        // A producer with an open transaction would take its time to close.
        Runtime.getRuntime().halt(0);
    }

    private String answer(String[] words) throws InterruptedException {
        try {
            carryOut(words);
            return "ok";
        } catch (ExecutionException e) {
            return failed(e.getCause());
        } catch (RuntimeException e) {
            return failed(e);
        }
    }

    private static String failed(Throwable e) {
        System.err.println(e);
        return "failed " + e.getClass().getSimpleName();
    }

    private void carryOut(String[] words) throws ExecutionException, InterruptedException {
        if (words[0].equals("read")) {
            read(words[1], words[2], Integer.parseInt(words[3]));
            return;
        }
        if (words[0].equals("init")) {
            producers.put(words[1], producer(words[2], words[3]));
        }
        KafkaProducer<String, String> producer = producers.get(words[1]);
        switch (words[0]) {
            case "init" -> producer.initTransactions();
            case "begin" -> producer.beginTransaction();
            case "send" -> send(producer, words[2], Integer.parseInt(words[3]), Arrays.asList(words).subList(4, words.length));
            case "offsets" -> offsets(producer, words[2], new TopicPartition(words[3], Integer.parseInt(words[4])), words[5]);
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private KafkaProducer<String, String> producer(String id, String timeout) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("transactional.id", id);
        settings.put("transaction.timeout.ms", timeout);
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private static void send(KafkaProducer<String, String> producer, String topic, int partition, List<String> values)
            throws ExecutionException, InterruptedException {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (String value : values) {
            sent.add(producer.send(new ProducerRecord<>(topic, partition, null, value)));
        }
        producer.flush();
        for (Future<RecordMetadata> future : sent) {
            future.get();
        }
    }

    private void offsets(KafkaProducer<String, String> producer, String group, TopicPartition place, String offset) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", group);
        // Only a consumer can say what group it is of.
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            Map<TopicPartition, OffsetAndMetadata> offsets = Map.of(place, new OffsetAndMetadata(Long.parseLong(offset)));
            producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        }
    }

    private void read(String isolation, String topic, int count) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("isolation.level", "read_" + isolation);
        settings.put("fetch.max.wait.ms", "20");
        settings.put("auto.offset.reset", "earliest");
        List<TopicPartition> partitions = new ArrayList<>();
        for (int partition = 0; partition < count; partition++) {
            partitions.add(new TopicPartition(topic, partition));
        }
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long deadline = System.nanoTime() + 30_000_000_000L;
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                if (System.nanoTime() > deadline) {
                    throw new TimeoutException("the end is not reached");
                }
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    System.out.println("record " + record.partition() + " " + record.offset() + " " + record.value());
                }
            }
        }
    }
}
