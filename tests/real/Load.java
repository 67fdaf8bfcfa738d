/* SPDX-License-Identifier: MIT */
/* Driven by java.sh. */
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

public class Load {
    static String maps(int seed) {
        TreeMap<String, Integer> map = new TreeMap<>();
        long x = seed + 1;
        for (int i = 0; i < 40000; i++) {
            x = x * 16807 % 2147483647;
            map.merge("key" + x % 5003, 1, Integer::sum);
        }
        return map.size() + " " + map.lastKey() + " " + map.hashCode();
    }

    static long buffers(int seed) {
        CRC32 crc = new CRC32();
        for (int i = 1; i < 300; i++) {
            ByteBuffer b = ByteBuffer.allocateDirect(i * 211);
            while (b.hasRemaining())
                b.put((byte) (seed + i));
            b.flip();
            crc.update(b);
        }
        return crc.getValue();
    }

    static int zip(int seed) throws Exception {
        byte[] text = ("text " + seed + ", ").repeat(20000).getBytes();
        Deflater deflater = new Deflater(6);
        deflater.setInput(text);
        deflater.finish();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] part = new byte[1000];
        while (!deflater.finished())
            out.write(part, 0, deflater.deflate(part));
        deflater.end();
        Inflater inflater = new Inflater();
        inflater.setInput(out.toByteArray());
        int n = 0;
        while (!inflater.finished())
            n += inflater.inflate(part);
        inflater.end();
        return n;
    }

    static void fill() {
        List<byte[]> all = new ArrayList<>();
        while (true)
            all.add(new byte[1 << 20]);
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 0)
            fill();
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<String>> results = new ArrayList<>();
        for (int i = 0; i < 18; i++) {
            int n = i;
            Callable<String> task =
                () -> maps(n) + " " + buffers(n) + " " + zip(n);
            results.add(pool.submit(task));
        }
        for (Future<String> f : results)
            System.out.println(f.get());
        pool.shutdown();
        for (int i = 0; i < 200; i++) {
            Thread t = new Thread(() -> buffers(1));
            t.start();
            if (i % 4 == 0)
                t.join();
        }
        System.out.println(IntStream.range(0, 200000).parallel()
            .mapToObj(i -> "s" + i).mapToInt(String::length).sum());
        System.out.println(String.format("%.3f", Math.E));
    }
}
