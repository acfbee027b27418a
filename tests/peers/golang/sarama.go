package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/IBM/sarama"
)

var saramaCodecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	return config
}

func saramaProduce(bootstrap, topic, codec string) {
	config := saramaConfig()
	config.Producer.Compression = saramaCodecs[codec]
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	fail(err)
	var messages []*sarama.ProducerMessage
	for _, line := range readRecords() {
		message := &sarama.ProducerMessage{
			Topic:     topic,
			Partition: line.Partition,
			Timestamp: time.UnixMilli(line.Timestamp),
			Key:       encoder(line.Key),
			Value:     encoder(line.Value),
		}
		for _, h := range line.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
		}
		messages = append(messages, message)
	}
	fail(producer.SendMessages(messages))
	fail(producer.Close())
}

// encoder keeps null null: an interface that holds a nil slice is not nil.
func encoder(data []byte) sarama.Encoder {
	if data == nil {
		return nil
	}
	return sarama.ByteEncoder(data)
}

func saramaConsume(bootstrap, topic string, count int) {
	consumer, err := sarama.NewConsumer([]string{bootstrap}, saramaConfig())
	fail(err)
	partitions, err := consumer.Partitions(topic)
	fail(err)
	all := make(chan *sarama.ConsumerMessage)
	for _, partition := range partitions {
		messages, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
		fail(err)
		go func() {
			for message := range messages.Messages() {
				all <- message
			}
		}()
	}
	out := json.NewEncoder(os.Stdout)
	for range count {
		m := <-all
		headers := make([]header, 0, len(m.Headers))
		for _, h := range m.Headers {
			headers = append(headers, header{string(h.Key), h.Value})
		}
		fail(out.Encode(record{m.Partition, m.Offset, m.Timestamp.UnixMilli(), m.Key, m.Value, headers}))
	}
}
