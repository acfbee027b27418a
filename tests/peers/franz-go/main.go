// A Kafka client for klog's tests, over franz-go.
//
//	franz-go produce BOOTSTRAP TOPIC CODEC   sends the records on stdin, then ends
//	franz-go consume BOOTSTRAP TOPIC COUNT   prints COUNT records from the start of every partition, then ends
//
// A record is a line of JSON: partition, offset, timestamp in ms, and key, value and header values in base64 or null.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

type record struct {
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []header `json:"headers"`
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: franz-go produce|consume BOOTSTRAP TOPIC CODEC|COUNT"))
	}
	bootstrap, topic, last := os.Args[2], os.Args[3], os.Args[4]
	if os.Args[1] == "produce" {
		produce(bootstrap, topic, last)
		return
	}
	count, err := strconv.Atoi(last)
	fail(err)
	consume(bootstrap, topic, count)
}

func produce(bootstrap, topic, codec string) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerBatchMaxBytes(1<<20),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	fail(err)
	defer client.Close()
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	var sent []*kgo.Record
	for {
		var line record
		err := lines.Decode(&line)
		if err == io.EOF {
			break
		}
		fail(err)
		headers := make([]kgo.RecordHeader, 0, len(line.Headers))
		for _, h := range line.Headers {
			headers = append(headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		sent = append(sent, &kgo.Record{
			Partition: line.Partition,
			Timestamp: time.UnixMilli(line.Timestamp),
			Key:       line.Key,
			Value:     line.Value,
			Headers:   headers,
		})
	}
	fail(client.ProduceSync(context.Background(), sent...).FirstErr())
}

func consume(bootstrap, topic string, count int) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	fail(err)
	defer client.Close()
	out := json.NewEncoder(os.Stdout)
	for seen := 0; seen < count; {
		fetches := client.PollFetches(context.Background())
		fetches.EachError(func(topic string, partition int32, err error) {
			fmt.Fprintf(os.Stderr, "%s-%d: %v\n", topic, partition, err)
			if errors.Is(err, kerr.UnknownTopicID) {
				// Deleted and made again: franz-go reads on only if told so.
				client.PurgeTopicsFromClient(topic)
				client.AddConsumeTopics(topic)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			headers := make([]header, 0, len(r.Headers))
			for _, h := range r.Headers {
				headers = append(headers, header{h.Key, h.Value})
			}
			fail(out.Encode(record{r.Partition, r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, headers}))
			seen++
		})
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}
