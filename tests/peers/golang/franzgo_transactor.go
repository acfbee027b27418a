package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const readDeadline = 30 * time.Second

// transactor carries out commands of stdin; they and their answers are those of Transactor.java.
type transactor struct {
	bootstrap string
	producers map[string]*kgo.Client
}

func franzGoTransactor(bootstrap string) {
	t := transactor{bootstrap, make(map[string]*kgo.Client)}
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		if err := t.carryOut(strings.Fields(commands.Text())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			fmt.Println("failed", nameOf(err))
		} else {
			fmt.Println("ok")
		}
	}
}

func nameOf(err error) string {
	if known := new(kerr.Error); errors.As(err, &known) {
		return known.Message
	}
	return strings.ReplaceAll(err.Error(), " ", "_")
}

func (t *transactor) carryOut(words []string) error {
	ctx := context.Background()
	switch words[0] {
	case "read":
		return t.read(words[1] == "committed", words[2], int32(number(words[3])))
	case "init":
		return t.init(ctx, words[1], words[2], number(words[3]))
	}
	producer := t.producers[words[1]]
	switch words[0] {
	case "begin":
		return producer.BeginTransaction()
	case "send":
		return send(ctx, producer, words[2], int32(number(words[3])), words[4:])
	case "offsets":
		return t.offsets(ctx, producer, words[2], words[3], int32(number(words[4])), int64(number(words[5])))
	case "commit":
		return producer.EndTransaction(ctx, kgo.TryCommit)
	case "abort":
		return producer.EndTransaction(ctx, kgo.TryAbort)
	}
	return fmt.Errorf("no such command: %s", words[0])
}

func (t *transactor) init(ctx context.Context, name, id string, timeoutMs int) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(t.bootstrap),
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(time.Duration(timeoutMs)*time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
	)
	if err != nil {
		return err
	}
	t.producers[name] = client
	// The client would else ask for its id only with the first record.
	_, _, err = client.ProducerID(ctx)
	return err
}

func send(ctx context.Context, client *kgo.Client, topic string, partition int32, values []string) error {
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

// offsets is what GroupTransactSession does at its end, for a group without members.
func (t *transactor) offsets(ctx context.Context, client *kgo.Client, group, topic string, partition int32, offset int64) error {
	id, _ := client.OptValue(kgo.TransactionalID).(string)
	producerID, epoch, err := client.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = id, producerID, epoch, group
	added, err := add.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(added.ErrorCode); err != nil {
		return err
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = id, producerID, epoch, group
	commit.Generation = -1
	place := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	place.Partition, place.Offset = partition, offset
	places := kmsg.NewTxnOffsetCommitRequestTopic()
	places.Topic, places.Partitions = topic, append(places.Partitions, place)
	commit.Topics = append(commit.Topics, places)
	committed, err := commit.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode)
}

func (t *transactor) read(committed bool, topic string, partitions int32) error {
	isolation := kgo.ReadUncommitted()
	if committed {
		isolation = kgo.ReadCommitted()
	}
	starts := make(map[int32]kgo.Offset)
	for partition := range partitions {
		starts[partition] = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(t.bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}),
		kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), readDeadline)
	defer cancel()
	ends, err := endsOf(ctx, client, committed, topic, partitions)
	for err == nil && len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		err = fetches.Err()
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				sayRecord(r.Partition, r.Offset, r.Value)
			}
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
		})
	}
	return err
}

// endsOf gives where each partition that is not empty ends for this kind of reader.
func endsOf(ctx context.Context, client *kgo.Client, committed bool, topic string, partitions int32) (map[int32]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	if committed {
		request.IsolationLevel = 1
	}
	asked := kmsg.NewListOffsetsRequestTopic()
	asked.Topic = topic
	for partition := range partitions {
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = partition, -1
		asked.Partitions = append(asked.Partitions, one)
	}
	request.Topics = append(request.Topics, asked)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64)
	for _, partition := range response.Topics[0].Partitions {
		if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
			return nil, fmt.Errorf("%s-%s: %w", topic, strconv.Itoa(int(partition.Partition)), err)
		}
		if partition.Offset > 0 {
			ends[partition.Partition] = partition.Offset
		}
	}
	return ends, nil
}
