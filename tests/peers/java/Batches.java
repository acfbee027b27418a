import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

/**
 * Batches FOLDER: writes record batches of every format and codec into FOLDER (kafka-*.bin) with Kafka's own code, then
 * prints beside each *.bin, klog's too, what Kafka's own code reads in it (*.txt).
 *
 * A line per batch of format 2, then a line per record: offset|timestamp|key|value|header=value,… with bytes in
 * hexadecimal and "-" for null.
 */
public class Batches {
    private static final HexFormat HEX = HexFormat.of();
    private static final long TIME = 1_700_000_000_000L;

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        for (byte magic = 0; magic <= 2; magic++) {
            for (CompressionType codec : CompressionType.values()) {
                if (magic < 2 && codec == CompressionType.ZSTD) {
                    continue;
                }
                for (TimestampType type : List.of(TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME)) {
                    if (magic == 0 && type == TimestampType.LOG_APPEND_TIME) {
                        continue;
                    }
                    write(folder.resolve("kafka-v%d-%s-%s.bin".formatted(magic, codec.name, type.name)),
                        data(magic, codec, type));
                }
            }
        }
        control(folder);
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(file -> file.toString().endsWith(".bin")).sorted().toList();
        }
        for (Path file : files) {
            Files.writeString(Path.of(file.toString().replace(".bin", ".txt")), read(file));
        }
    }

    private static void write(Path file, ByteBuffer... parts) throws Exception {
        ByteBuffer all = ByteBuffer.allocate(Stream.of(parts).mapToInt(ByteBuffer::remaining).sum());
        for (ByteBuffer part : parts) {
            all.put(part.duplicate());
        }
        Files.write(file, all.array());
    }

    private static ByteBuffer data(byte magic, CompressionType codec, TimestampType type) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        MemoryRecordsBuilder builder = magic < 2
            ? MemoryRecords.builder(buffer, magic, Compression.of(codec).build(), type, 1000, TIME + 999)
            : MemoryRecords.builder(buffer, magic, Compression.of(codec).build(), type, 1000, TIME + 999,
                4000, (short) 3, 17, false, 5);
        for (int i = 0; i < 60; i++) {
            byte[] key = i % 5 == 0 ? null : ("key-" + i).getBytes(StandardCharsets.UTF_8);
            byte[] value = i % 7 == 3 ? null : new byte[i * 37 % 3000];
            for (int at = 0; value != null && at < value.length; at++) {
                value[at] = (byte) (i % 2 == 0 ? at / 50 : at * at * 31 + i);
            }
            List<Header> headers = new ArrayList<>();
            for (int header = 0; magic == 2 && header < i % 4; header++) {
                headers.add(new RecordHeader("h\u00fc" + header / 2, header == 1 ? null : new byte[header]));
            }
            builder.append(TIME + i * 7919 % 100, key, value, headers.toArray(new Header[0]));
        }
        return builder.build().buffer();
    }

    private static void control(Path folder) throws Exception {
        ByteBuffer abort = MemoryRecords.withEndTransactionMarker(10, TIME, 3, 4000, (short) 2,
            new EndTransactionMarker(ControlRecordType.ABORT, 8)).buffer();
        ByteBuffer commit = MemoryRecords.withEndTransactionMarker(11, TIME, 3, 4000, (short) 2,
            new EndTransactionMarker(ControlRecordType.COMMIT, 9)).buffer();
        Uuid directory = new Uuid(1, 2);
        ByteBuffer leader = MemoryRecords.withLeaderChangeMessage(12, TIME, 3, ByteBuffer.allocate(512),
            new LeaderChangeMessage().setLeaderId(1)
                .setVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(1), new LeaderChangeMessage.Voter().setVoterId(2)))
                .setGrantingVoters(List.of(new LeaderChangeMessage.Voter().setVoterId(2)))).buffer();
        ByteBuffer head = MemoryRecords.withSnapshotHeaderRecord(13, TIME, 3, ByteBuffer.allocate(512),
            new SnapshotHeaderRecord().setLastContainedLogTimestamp(TIME - 1)).buffer();
        ByteBuffer version = MemoryRecords.withKRaftVersionRecord(14, TIME, 3, ByteBuffer.allocate(512),
            new KRaftVersionRecord().setKRaftVersion((short) 1)).buffer();
        VotersRecord.EndpointCollection endpoints = new VotersRecord.EndpointCollection();
        endpoints.add(new VotersRecord.Endpoint().setName("CONTROLLER").setHost("localhost").setPort(65535));
        ByteBuffer voters = MemoryRecords.withVotersRecord(15, TIME, 3, ByteBuffer.allocate(512),
            new VotersRecord().setVoters(List.of(new VotersRecord.Voter().setVoterId(1).setVoterDirectoryId(directory)
                .setEndpoints(endpoints).setKRaftVersionFeature(new VotersRecord.KRaftVersionFeature()
                    .setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1))))).buffer();
        ByteBuffer foot = MemoryRecords.withSnapshotFooterRecord(16, TIME, 3, ByteBuffer.allocate(512),
            new SnapshotFooterRecord()).buffer();
        write(folder.resolve("kafka-control.bin"), abort, commit, leader, head, version, voters, foot);
    }

    private static String read(Path file) throws Exception {
        StringBuilder out = new StringBuilder();
        for (RecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file))).batches()) {
            batch.ensureValid();
            if (batch.magic() == 2) {
                out.append("batch|%d|%d|%d|%s|%d|%d|%d|%b|%b|%s|%d|%d\n".formatted(batch.baseOffset(), batch.lastOffset(),
                    batch.countOrNull(), batch.compressionType().name, batch.producerId(), batch.producerEpoch(),
                    batch.baseSequence(), batch.isTransactional(), batch.isControlBatch(), batch.timestampType().name,
                    batch.maxTimestamp(), batch.partitionLeaderEpoch()));
            }
            for (Record record : batch) {
                List<String> headers = new ArrayList<>();
                for (Header header : record.headers()) {
                    headers.add(hex(ByteBuffer.wrap(header.key().getBytes(StandardCharsets.UTF_8))) + "="
                        + hex(header.value() == null ? null : ByteBuffer.wrap(header.value())));
                }
                out.append("%d|%d|%s|%s|%s\n".formatted(record.offset(), record.timestamp(), hex(record.key()),
                    hex(record.value()), String.join(",", headers)));
            }
        }
        return out.toString();
    }

    private static String hex(ByteBuffer bytes) {
        if (bytes == null) {
            return "-";
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HEX.formatHex(copy);
    }
}
