import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.util.OptionalLong;
import java.util.Properties;
import org.apache.kafka.metadata.properties.MetaProperties;
import org.apache.kafka.metadata.properties.PropertiesUtils;
import org.apache.kafka.raft.ElectionState;
import org.apache.kafka.raft.FileQuorumStateStore;
import org.apache.kafka.raft.ReplicaKey;
import org.apache.kafka.storage.internals.checkpoint.CleanShutdownFileHandler;
import org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile;
import org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile;
import org.apache.kafka.storage.internals.checkpoint.PartitionMetadata;
import org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManager;

/**
 * SmallFiles FILE...: what Kafka's own classes read in the files beside the batches, a JSON object a line. The fields have the
 * names that klog gives them.
 */
public class SmallFiles {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        for (String path : args) {
            read(new File(path));
        }
    }

    private static void read(File file) throws Exception {
        LogDirFailureChannel failures = new LogDirFailureChannel(1);
        String name = file.getName();
        if (name.equals("leader-epoch-checkpoint")) {
            new LeaderEpochCheckpointFile(file, failures).read().forEach(entry ->
                print(line(file).put("epoch", entry.epoch()).put("start_offset", entry.startOffset())));
        } else if (name.endsWith("-offset-checkpoint")) {
            new OffsetCheckpointFile(file, failures).read().forEach((at, offset) ->
                print(line(file).put("topic", at.topic()).put("partition", at.partition()).put("offset", offset)));
        } else if (name.equals("partition.metadata")) {
            PartitionMetadata metadata = new PartitionMetadataFile(file, failures).read();
            print(pair(file, "version").put("value", Integer.toString(metadata.version())));
            print(pair(file, "topic_id").put("value", metadata.topicId().toString()));
        } else if (name.equals("meta.properties")) {
            Properties properties = PropertiesUtils.readPropertiesFile(file.getPath());
            // One that is none is refused.
            new MetaProperties.Builder(properties).build();
            properties.forEach((key, value) -> print(pair(file, (String) key).put("value", (String) value)));
        } else if (name.equals(".kafka_cleanshutdown")) {
            OptionalLong epoch = new CleanShutdownFileHandler(file.getParent()).read();
            print(pair(file, "brokerEpoch").put("value", epoch.getAsLong()));
        } else if (name.equals("quorum-state")) {
            ElectionState state = new FileQuorumStateStore(file).readElectionState().get();
            print(pair(file, "leaderId").put("value", state.leaderIdOrSentinel()));
            print(pair(file, "leaderEpoch").put("value", state.epoch()));
            print(pair(file, "votedId").put("value", state.optionalVotedKey().map(ReplicaKey::id).orElse(-1)));
        } else if (name.endsWith(".snapshot")) {
            ProducerStateManager.readSnapshot(file).forEach(entry -> print(producer(file, entry)));
        } else {
            throw new IllegalArgumentException(name);
        }
    }

    private static ObjectNode producer(File file, ProducerStateEntry entry) {
        ObjectNode line = line(file).put("producer_id", entry.producerId()).put("producer_epoch", entry.producerEpoch());
        line.put("timestamp", entry.lastTimestamp());
        line.put("coordinator_epoch", entry.coordinatorEpoch() < 0 ? null : (Integer) entry.coordinatorEpoch());
        OptionalLong open = entry.currentTxnFirstOffset();
        line.put("transaction_start", open.isPresent() ? (Long) open.getAsLong() : null);
        for (BatchMetadata batch : entry.batchMetadata()) {
            line.put("first_sequence", batch.firstSeq()).put("last_sequence", batch.lastSeq());
            line.put("first_offset", batch.firstOffset()).put("last_offset", batch.lastOffset());
        }
        return line;
    }

    private static ObjectNode line(File file) {
        return JSON.createObjectNode().put("file", file.getPath());
    }

    private static ObjectNode pair(File file, String key) {
        return line(file).put("key", key);
    }

    private static void print(ObjectNode line) {
        System.out.println(line);
    }
}
