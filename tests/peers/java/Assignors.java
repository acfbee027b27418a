import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.GroupAssignment;
import org.apache.kafka.coordinator.group.api.assignor.MemberAssignment;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

/**
 * Kafka's own assignors of the coordinator. A line is a case:
 *
 * <pre>uniform 1:4,2:3 m1/-/1,2/1:0+1 m2/s/2/-</pre>
 *
 * which is the assignor, the topics with their partitions, and the members: id, static name, topics, what it had. The answer is a line of
 * members with what they get, as <code>m1/1:0+1,2:2</code>.
 */
public class Assignors {
    static Uuid topic(String number) {
        return new Uuid(0, Long.parseLong(number));
    }

    static Map<Uuid, Set<Integer>> partitions(String text) {
        Map<Uuid, Set<Integer>> all = new HashMap<>();
        if (text.equals("-")) return all;
        for (String one : text.split(",")) {
            Set<Integer> numbers = new HashSet<>();
            for (String number : one.split(":")[1].split("\\+")) numbers.add(Integer.parseInt(number));
            all.put(topic(one.split(":")[0]), numbers);
        }
        return all;
    }

    static String answer(String line) {
        String[] words = line.split(" ");
        Map<Uuid, Integer> counts = new HashMap<>();
        for (String one : words[1].split(",")) {
            counts.put(topic(one.split(":")[0]), Integer.parseInt(one.split(":")[1]));
        }
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new HashMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        Set<Set<Uuid>> subscriptions = new HashSet<>();
        for (int at = 2; at < words.length; at++) {
            String[] parts = words[at].split("/");
            Set<Uuid> topics = new HashSet<>();
            if (!parts[2].equals("-")) for (String one : parts[2].split(",")) topics.add(topic(one));
            Map<Uuid, Set<Integer>> had = partitions(parts[3]);
            had.forEach((id, numbers) -> numbers.forEach(number ->
                owners.computeIfAbsent(id, ignored -> new HashMap<>()).put(number, parts[0])));
            subscriptions.add(topics);
            Optional<String> instance = parts[1].equals("-") ? Optional.empty() : Optional.of(parts[1]);
            members.put(parts[0], new MemberSubscriptionAndAssignmentImpl(
                Optional.empty(), instance, topics, new Assignment(had)));
        }
        SubscribedTopicDescriber describer = new SubscribedTopicDescriber() {
            public int numPartitions(Uuid id) {
                return counts.getOrDefault(id, -1);
            }

            public Set<String> racksForPartition(Uuid id, int partition) {
                return Set.of();
            }
        };
        ConsumerGroupPartitionAssignor assignor =
            words[0].equals("range") ? new RangeAssignor() : new UniformAssignor();
        SubscriptionType type =
            subscriptions.size() == 1 ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
        GroupAssignment given = assignor.assign(new GroupSpecImpl(members, type, owners), describer);
        StringBuilder out = new StringBuilder();
        for (Map.Entry<String, MemberAssignment> member : new TreeMap<>(given.members()).entrySet()) {
            StringBuilder share = new StringBuilder();
            new TreeMap<>(member.getValue().partitions()).forEach((id, numbers) -> {
                if (numbers.isEmpty()) return;
                StringBuilder list = new StringBuilder();
                new TreeSet<>(numbers).forEach(number -> list.append(list.isEmpty() ? "" : "+").append(number));
                share.append(share.isEmpty() ? "" : ",").append(id.getLeastSignificantBits()).append(":").append(list);
            });
            out.append(out.isEmpty() ? "" : " ").append(member.getKey()).append("/").append(share.isEmpty() ? "-" : share);
        }
        return out.toString();
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(answer(line));
        }
    }
}
