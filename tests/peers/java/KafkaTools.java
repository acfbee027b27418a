import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Apache Kafka's command-line tools, one after the other, in one JVM: a JVM start costs more than most of the tests.
 *
 * Each line of stdin is one call: the main class, its arguments and what it reads from stdin, all in base64, with a space
 * between (class stdin arg arg ...). Each answer is a line "exit-code bytes", then that many bytes: what the tool printed.
 */
public class KafkaTools {
    /** Thrown in place of ending the JVM. */
    private static final class Exited extends RuntimeException {
        final int code;

        Exited(int code) {
            super("exit " + code, null, false, false);
            this.code = code;
        }
    }

    private static final ByteArrayOutputStream PRINTED = new ByteArrayOutputStream();

    public static void main(String[] unused) throws Exception {
        PrintStream answers = System.out;
        BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream printed = new PrintStream(PRINTED, true, "UTF-8");
        System.setOut(printed);
        System.setErr(printed);
        Exit.setExitProcedure((code, message) -> { throw new Exited(code); });
        Exit.setHaltProcedure((code, message) -> { throw new Exited(code); });
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            String[] call = line.split(" ", -1);
            System.setIn(new ByteArrayInputStream(decode(call[1])));
            String[] arguments = Arrays.stream(call).skip(2).map(word -> text(word)).toArray(String[]::new);
            int code = run(text(call[0]), arguments);
            printed.flush();
            answer(answers, code);
        }
    }

    private static int run(String main, String[] arguments) throws Exception {
        try {
            Class.forName(main).getMethod("main", String[].class).invoke(null, (Object) arguments);
            return 0;
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exited) {
                return ((Exited) e.getCause()).code;
            }
            e.getCause().printStackTrace();
            return 1;
        }
    }

    private static void answer(PrintStream answers, int code) {
        byte[] bytes;
        synchronized (PRINTED) {
            bytes = PRINTED.toByteArray();
            PRINTED.reset();
        }
        answers.print(code + " " + bytes.length + "\n");
        answers.write(bytes, 0, bytes.length);
        answers.flush();
    }

    private static byte[] decode(String word) {
        return Base64.getDecoder().decode(word);
    }

    private static String text(String word) {
        return new String(decode(word), StandardCharsets.UTF_8);
    }
}
