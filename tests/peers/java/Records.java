import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A Kafka client for klog's tests, over Kafka's own, with its default settings.
 *
 * Records produce BOOTSTRAP TOPIC CODEC: sends the records on stdin, then ends.
 * Records consume BOOTSTRAP TOPIC COUNT: prints COUNT records from the start of every partition, or what came in 60 s.
 *
 * A record is a line of JSON: partition, offset, timestamp in ms, and key, value and header values in base64 or null.
 */
public class Records {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[1]);
        if (args[0].equals("produce")) {
            settings.put("compression.type", args[3]);
            produce(settings, args[2]);
        } else {
            settings.put("auto.offset.reset", "earliest");
            consume(settings, args[2], Integer.parseInt(args[3]));
        }
    }

    private static void produce(Properties settings, String topic) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode json = JSON.readTree(line);
                List<Header> headers = new ArrayList<>();
                for (JsonNode header : json.get("headers")) {
                    headers.add(new RecordHeader(header.get("key").asText(), bytes(header.get("value"))));
                }
                sent.add(producer.send(new ProducerRecord<>(topic, json.get("partition").asInt(),
                    json.get("timestamp").asLong(), bytes(json.get("key")), bytes(json.get("value")), headers)));
            }
            producer.flush();
            for (Future<RecordMetadata> future : sent) {
                future.get();
            }
        }
    }

    private static void consume(Properties settings, String topic, int count) {
        long end = System.nanoTime() + 60_000_000_000L;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
            consumer.assign(partitions);
            for (int seen = 0; seen < count && System.nanoTime() < end; ) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    System.out.println(json(record));
                    seen++;
                }
            }
        }
    }

    private static ObjectNode json(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = JSON.createObjectNode();
        json.put("partition", record.partition());
        json.put("offset", record.offset());
        json.put("timestamp", record.timestamp());
        json.put("key", record.key());
        json.put("value", record.value());
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.addObject().put("key", header.key()).put("value", header.value());
        }
        return json;
    }

    private static byte[] bytes(JsonNode node) throws IOException {
        return node.isNull() ? null : node.binaryValue();
    }
}
