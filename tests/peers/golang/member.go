package main

import (
	"context"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	sessionTimeout    = 3 * time.Second
	heartbeatInterval = 100 * time.Millisecond
)

func member(client, bootstrap, group, topic, assignor string) {
	switch client {
	case "franz-go":
		franzGoMember(bootstrap, group, topic, assignor)
	case "sarama":
		saramaMember(bootstrap, group, topic, assignor)
	default:
		fail(fmt.Errorf("no such client: %s", client))
	}
}

// stopped is done once SIGTERM came.
func stopped() context.Context {
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	return stop
}

// A line goes out in one write: os.Stdout is not buffered.
func sayPartitions(what string, partitions []int32) {
	fmt.Println(what, strings.Trim(fmt.Sprint(partitions), "[]"))
}

func sayRecord(partition int32, offset int64, value []byte) {
	fmt.Printf("record %d %d %s\n", partition, offset, value)
}
