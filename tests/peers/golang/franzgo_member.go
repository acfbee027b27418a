package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func franzGoMember(bootstrap, group, topic, assignor string) {
	balancer := map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"roundrobin":         kgo.RoundRobinBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}[assignor]
	say := func(what string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			sayPartitions(what, partitions[topic])
		}
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap),
		kgo.ClientID("franz-go"),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.Balancers(balancer),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeatInterval),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(say("assigned")),
		kgo.OnPartitionsLost(say("revoked")),
		kgo.OnPartitionsRevoked(func(ctx context.Context, client *kgo.Client, partitions map[string][]int32) {
			fail(client.CommitUncommittedOffsets(ctx))
			sayPartitions("revoked", partitions[topic])
		}),
	)
	fail(err)
	for stop := stopped(); stop.Err() == nil; {
		poll, cancel := context.WithTimeout(stop, 100*time.Millisecond)
		client.PollFetches(poll).EachRecord(func(r *kgo.Record) {
			sayRecord(r.Partition, r.Offset, r.Value)
		})
		cancel()
		client.AllowRebalance()
	}
	// Leaving the group revokes what it has.
	client.CloseAllowingRebalance()
}
