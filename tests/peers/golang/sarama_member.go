package main

import (
	"github.com/IBM/sarama"
)

func saramaMember(bootstrap, group, topic, assignor string) {
	strategy := map[string]sarama.BalanceStrategy{
		"range":              sarama.NewBalanceStrategyRange(),
		"roundrobin":         sarama.NewBalanceStrategyRoundRobin(),
		"cooperative-sticky": sarama.NewBalanceStrategyCooperativeSticky(),
	}[assignor]
	config := saramaConfig()
	config.ClientID = "sarama"
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = sessionTimeout
	config.Consumer.Group.Heartbeat.Interval = heartbeatInterval
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	member, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	fail(err)
	for stop := stopped(); stop.Err() == nil; {
		fail(member.Consume(stop, []string{topic}, claims{}))
	}
	fail(member.Close())
}

// claims prints what each partition gives while it is this member's.
type claims struct{}

func (claims) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (claims) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	sayPartitions("assigned", []int32{claim.Partition()})
	for message := range claim.Messages() {
		sayRecord(message.Partition, message.Offset, message.Value)
		session.MarkMessage(message, "")
	}
	session.Commit()
	sayPartitions("revoked", []int32{claim.Partition()})
	return nil
}
