import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.MessageFormatter;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Utils;

/**
 * What Kafka's own topics hold, by its own classes.
 *
 * Stored write FOLDER: writes partition 0 of each, with records of every kind at every version: with all fields filled, with
 * those of a fresh object, and without a value.
 *
 * Stored show FILE FORMATTER: the records of a segment as the console consumer's formatter of this class shows them, a line each
 * after its offset; what the formatter leaves out has none.
 */
public class Stored {
    private static long next = 1;

    public static void main(String[] args) throws Exception {
        if (args[0].equals("show")) {
            show(new File(args[1]), args[2]);
            return;
        }
        String kinds = "org.apache.kafka.coordinator.%s.generated.CoordinatorRecordType";
        write(Path.of(args[1], "__consumer_offsets-0"), Class.forName(kinds.formatted("group")));
        write(Path.of(args[1], "__transaction_state-0"), Class.forName(kinds.formatted("transaction")));
        write(Path.of(args[1], "__share_group_state-0"), Class.forName(kinds.formatted("share")));
    }

    /** The coordinators' kinds of records are enums of one shape, each with a class of its own. */
    private static Object of(Object kind, String method) throws Exception {
        return kind.getClass().getMethod(method).invoke(kind);
    }

    private static void write(Path folder, Class<?> kinds) throws Exception {
        MemoryRecordsBuilder records = builder();
        for (Object kind : kinds.getEnumConstants()) {
            short newest = (short) of(kind, "highestSupportedVersion");
            for (short version = (short) of(kind, "lowestSupportedVersion"); version <= newest; version++) {
                append(records, kind, version);
            }
        }
        Files.createDirectories(folder);
        Files.write(folder.resolve("00000000000000000000.log"), Utils.toArray(records.build().buffer()));
    }

    private static MemoryRecordsBuilder builder() {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        return MemoryRecords.builder(buffer, RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 0);
    }

    private static void append(MemoryRecordsBuilder to, Object kind, short version) throws Exception {
        ApiMessage key = (ApiMessage) of(kind, "newRecordKey");
        ApiMessage full = (ApiMessage) of(kind, "newRecordValue");
        fill(key);
        fill(full);
        byte[] name = MessageUtil.toCoordinatorTypePrefixedBytes(key);
        try {
            to.append(next, name, MessageUtil.toVersionPrefixedBytes(version, full));
        } catch (UnsupportedVersionException e) {
            // It has a field that this version cannot have.
        }
        ApiMessage fresh = (ApiMessage) of(kind, "newRecordValue");
        to.append(next, name, MessageUtil.toVersionPrefixedBytes(version, fresh));
        to.append(next, name, null);
    }

    private static void fill(Object message) throws Exception {
        for (Field field : message.getClass().getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) && !field.getName().startsWith("_")) {
                field.setAccessible(true);
                field.set(message, sample(field.getName(), field.getType(), field.getGenericType()));
            }
        }
    }

    private static Object sample(String name, Class<?> type, Type generic) throws Exception {
        long number = next++;
        if (type == boolean.class) {
            return true;
        } else if (type == byte.class || type == Byte.class) {
            return (byte) (number % 4);
        } else if (type == short.class || type == Short.class) {
            return (short) number;
        } else if (type == int.class || type == Integer.class) {
            return (int) number;
        } else if (type == long.class || type == Long.class) {
            return number << 33;
        } else if (type == String.class) {
            return name + "-é-" + number;
        } else if (type == byte[].class) {
            return new byte[] {0, (byte) number, (byte) 0xff};
        } else if (type == Uuid.class) {
            return new Uuid(number, number * 31);
        } else if (type == List.class) {
            Class<?> of = (Class<?>) ((ParameterizedType) generic).getActualTypeArguments()[0];
            return List.of(sample(name, of, of), sample(name, of, of));
        }
        Constructor<?> constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object message = constructor.newInstance();
        fill(message);
        return message;
    }

    private static void show(File file, String formatter) throws Exception {
        MessageFormatter shown = (MessageFormatter) Class.forName(formatter).getDeclaredConstructor().newInstance();
        try (FileRecords records = FileRecords.open(file, false)) {
            for (RecordBatch batch : records.batches()) {
                if (batch.isControlBatch()) {
                    continue;
                }
                for (Record record : batch) {
                    byte[] key = record.hasKey() ? Utils.toArray(record.key()) : null;
                    byte[] value = record.hasValue() ? Utils.toArray(record.value()) : null;
                    ByteArrayOutputStream line = new ByteArrayOutputStream();
                    shown.writeTo(new ConsumerRecord<>("t", 0, record.offset(), key, value), new PrintStream(line, true, "UTF-8"));
                    if (line.size() > 0) {
                        System.out.println(record.offset() + " " + line.toString(StandardCharsets.UTF_8).strip());
                    }
                }
            }
        }
    }
}
