import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
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
        private static final long serialVersionUID = 1;
    }

    private static final ByteArrayOutputStream PRINTED = new ByteArrayOutputStream();

    /** The first exit counts: tools that catch everything exit again, and complain of the first. */
    private static Integer exitCode;
    private static int printedAtExit;

    /** What a tool would do when its JVM ends: the console producer flushes only then. */
    private static final List<Runnable> AT_EXIT = new ArrayList<>();

    public static void main(String[] unused) throws Exception {
        PrintStream answers = System.out;
        BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream printed = new PrintStream(PRINTED, true, "UTF-8");
        System.setOut(printed);
        System.setErr(printed);
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> AT_EXIT.add(hook));
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            String[] call = line.split(" ", -1);
            System.setIn(new ByteArrayInputStream(decode(call[1])));
            String[] arguments = Arrays.stream(call).skip(2).map(word -> text(word)).toArray(String[]::new);
            int code = run(text(call[0]), arguments);
            AT_EXIT.forEach(Runnable::run);
            AT_EXIT.clear();
            printed.flush();
            answer(answers, code);
        }
        // Some tools leave threads behind.
        Runtime.getRuntime().halt(0);
    }

    private static int run(String main, String[] arguments) throws Exception {
        exitCode = null;
        try {
            Class.forName(main).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException e) {
            if (exitCode == null) {
                e.getCause().printStackTrace();
                return 1;
            }
        }
        return exitCode == null ? 0 : exitCode;
    }

    private static void exit(int code) {
        if (exitCode == null) {
            exitCode = code;
            printedAtExit = PRINTED.size();
        }
        throw new Exited();
    }

    private static void answer(PrintStream answers, int code) {
        byte[] bytes;
        synchronized (PRINTED) {
            bytes = PRINTED.toByteArray();
            PRINTED.reset();
        }
        int size = exitCode == null ? bytes.length : printedAtExit;
        answers.print(code + " " + size + "\n");
        answers.write(bytes, 0, size);
        answers.flush();
    }

    private static byte[] decode(String word) {
        return Base64.getDecoder().decode(word);
    }

    private static String text(String word) {
        return new String(decode(word), StandardCharsets.UTF_8);
    }
}
