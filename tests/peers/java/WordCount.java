import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Produced;

/**
 * A Kafka Streams program for klog's tests, exactly once: counts the words of topic "lines" into topic "counts", and joins each count with
 * the newest label of its word, from topic "labels", into topic "labelled" as "COUNT LABEL".
 *
 * WordCount BOOTSTRAP STATE_DIR PROTOCOL: prints each state that it comes to; ends by a signal, or when a thread of it dies.
 *
 * Nothing is cached, so every count of a word is written out: 1, 2, 3, and so on.
 */
public class WordCount {
    public static void main(String[] args) {
        KafkaStreams streams = new KafkaStreams(topology(), settings(args[0], args[1], args[2]));
        streams.setStateListener((now, before) -> System.out.println("state " + now));
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Topology topology() {
        Serde<String> text = Serdes.String();
        StreamsBuilder builder = new StreamsBuilder();
        KTable<String, String> labels = builder.table("labels", Consumed.with(text, text));
        KTable<String, Long> counts = builder.stream("lines", Consumed.with(text, text))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            // A word is counted wherever its line was: by way of a topic for repartitioning.
            .groupBy((line, word) -> word, Grouped.with("words", text, text))
            .count();
        counts.toStream().mapValues(String::valueOf).to("counts", Produced.with(text, text));
        counts.join(labels, (count, label) -> count + " " + label)
            .toStream()
            .to("labelled", Produced.with(text, text));
        return builder.build();
    }

    private static Properties settings(String bootstrap, String stateDir, String protocol) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("application.id", "wordcount");
        settings.put("state.dir", stateDir);
        settings.put(StreamsConfig.GROUP_PROTOCOL_CONFIG, protocol);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), 10_000);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        if (protocol.equals("classic")) {
            settings.put(StreamsConfig.mainConsumerPrefix("session.timeout.ms"), 1000);
            settings.put(StreamsConfig.mainConsumerPrefix("heartbeat.interval.ms"), 200);
        }
        return settings;
    }
}
