import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;

/**
 * Kafka's own assignors of the client. A line is a case:
 *
 * <pre>sticky 5 t/7431/a+b,a,- m/6d31/-/000300...</pre>
 *
 * which is the assignor, the generation that comes of it, topics with the racks of each partition, and members: id, static name, and what
 * they say when they join. Names are in hexadecimal, as what is said. The answer is a line of members with what they are told, and what they say for
 * the assignor when they join the next time, as <code>6d31/000300.../-</code>.
 */
public class ClientAssignors {
    static final HexFormat HEX = HexFormat.of();

    static ConsumerPartitionAssignor assignor(String name) {
        switch (name) {
            case "range": return new RangeAssignor();
            case "roundrobin": return new RoundRobinAssignor();
            case "sticky": return new StickyAssignor();
            default: return new CooperativeStickyAssignor();
        }
    }

    static String text(String hex) {
        return new String(HEX.parseHex(hex), StandardCharsets.UTF_8);
    }

    static String hex(ByteBuffer bytes) {
        if (bytes == null) return "-";
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HEX.formatHex(copy);
    }

    static void readTopic(String[] parts, Map<String, Node> nodes, List<PartitionInfo> partitions) {
        String topic = text(parts[1]);
        for (String racks : parts[2].split(",")) {
            List<Node> replicas = new ArrayList<>();
            for (String rack : racks.split("\\+")) {
                replicas.add(nodes.computeIfAbsent(rack, name ->
                    new Node(nodes.size(), "host", 9092, name.equals("-") ? null : name)));
            }
            Node[] all = replicas.toArray(new Node[0]);
            int number = (int) partitions.stream().filter(one -> one.topic().equals(topic)).count();
            partitions.add(new PartitionInfo(topic, number, all[0], all, all));
        }
    }

    @SuppressWarnings("removal")
    static String answer(String line) {
        String[] words = line.split(" ");
        Map<String, Node> nodes = new HashMap<>();
        List<PartitionInfo> partitions = new ArrayList<>();
        Map<String, Subscription> members = new HashMap<>();
        for (int at = 2; at < words.length; at++) {
            String[] parts = words[at].split("/");
            if (parts[0].equals("t")) {
                readTopic(parts, nodes, partitions);
                continue;
            }
            Subscription said = ConsumerProtocol.deserializeSubscription(ByteBuffer.wrap(HEX.parseHex(parts[3])));
            said.setGroupInstanceId(parts[2].equals("-") ? Optional.empty() : Optional.of(text(parts[2])));
            members.put(text(parts[1]), said);
        }
        Cluster cluster = new Cluster("cluster", nodes.values(), partitions, Set.of(), Set.of());
        Map<String, Assignment> given =
            assignor(words[0]).assign(cluster, new GroupSubscription(members)).groupAssignment();
        StringBuilder out = new StringBuilder();
        given.forEach((id, share) -> {
            ConsumerPartitionAssignor own = assignor(words[0]);
            own.onAssignment(share, new ConsumerGroupMetadata("group", Integer.parseInt(words[1]), id, Optional.empty()));
            ByteBuffer next = own.subscriptionUserData(new HashSet<>(members.get(id).topics()));
            String hexId = HEX.formatHex(id.getBytes(StandardCharsets.UTF_8));
            out.append(out.isEmpty() ? "" : " ").append(hexId).append("/");
            out.append(hex(ConsumerProtocol.serializeAssignment(share))).append("/").append(hex(next));
        });
        return out.toString();
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(answer(line));
        }
    }
}
