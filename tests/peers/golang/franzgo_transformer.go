package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	transactionTimeout = 3 * time.Second
	shortSession       = 2 * time.Second
	batchSize          = 100
	// Each so many transactions one is aborted.
	abortEach = 5
	// fenced is the exit code of whoever finds that another one took its place.
	fenced = 3
	// gaveUp is the exit code of whoever wants to be started again.
	gaveUp = 4
)

// franzGoTransformer does what Transformer.java does.
func franzGoTransformer(bootstrap, group, source, target string, partitions int32, id, instance string) {
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(source),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(),
		kgo.SessionTimeout(shortSession),
		kgo.HeartbeatInterval(heartbeatInterval),
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
	if instance != "" {
		options = append(options, kgo.InstanceID(instance))
	}
	session, err := kgo.NewGroupTransactSession(options...)
	fail(err)
	defer session.Close()
	stop := stopped()
	for turn := 1; stop.Err() == nil; {
		poll, cancel := context.WithTimeout(stop, 100*time.Millisecond)
		fetches := session.PollRecords(poll, batchSize)
		cancel()
		fetches.EachError(func(_ string, _ int32, err error) { endIfFenced(err) })
		if records := fetches.Records(); len(records) > 0 {
			if turn == 1 {
				fmt.Println("at work")
			}
			transform(session, records, target, partitions, turn%abortEach == 0)
			turn++
		}
	}
}

func transform(session *kgo.GroupTransactSession, records []*kgo.Record, target string, partitions int32, doomed bool) {
	ctx := context.Background()
	check(session.Begin())
	first := kgo.AbortingFirstErrPromise(session.Client())
	for _, r := range records {
		value := r.Value
		if doomed {
			value = append([]byte("doomed "), value...)
		}
		next := &kgo.Record{Topic: target, Partition: (r.Partition + 1) % partitions, Key: r.Key, Value: value}
		session.Produce(ctx, next, first.Promise())
	}
	err := first.Err()
	endIfFenced(err)
	// Aborted, the session goes back to what is committed.
	_, err = session.End(ctx, kgo.TransactionEndTry(!doomed && err == nil))
	check(err)
}

// check ends the program by an error: after one the client wants to be closed and opened again.
func check(err error) {
	endIfFenced(err)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(gaveUp)
	}
}

func endIfFenced(err error) {
	for _, end := range []error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.FencedInstanceID, kerr.InvalidProducerIDMapping} {
		if errors.Is(err, end) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(fenced)
		}
	}
}
