package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var franzGoCodecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func franzGoProduce(bootstrap, topic, codec string) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(franzGoCodecs[codec]),
		kgo.ProducerBatchMaxBytes(1<<20),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	fail(err)
	defer client.Close()
	var sent []*kgo.Record
	for _, line := range readRecords() {
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

func franzGoConsume(bootstrap, topic string, count int) {
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
