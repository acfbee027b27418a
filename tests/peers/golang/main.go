// Kafka clients for klog's tests, over franz-go and sarama.
//
//	golang franz-go|sarama produce BOOTSTRAP TOPIC CODEC   sends the records on stdin, then ends
//	golang franz-go|sarama consume BOOTSTRAP TOPIC COUNT   prints COUNT records from the start of every partition, then ends
//	golang franz-go|sarama member BOOTSTRAP GROUP TOPIC ASSIGNOR   is a member of a consumer group until SIGTERM
//	golang franz-go transact BOOTSTRAP   carries out the commands on stdin: see Transactor.java
//	golang franz-go transform BOOTSTRAP GROUP SOURCE TARGET PARTITIONS TRANSACTIONAL_ID INSTANCE   see Transformer.java
//
// A record is a line of JSON: partition, offset, timestamp in ms, and key, value and header values in base64 or null. A member
// prints a line for each thing that happens: "assigned PARTITION…", "revoked PARTITION…", "record PARTITION OFFSET VALUE". It commits what
// it has printed when partitions are revoked, and at the end.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
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

func main() {
	if len(os.Args) == 7 && os.Args[2] == "member" {
		member(os.Args[1], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "franz-go" && os.Args[2] == "transact" {
		franzGoTransactor(os.Args[3])
		return
	}
	if len(os.Args) == 10 && os.Args[1] == "franz-go" && os.Args[2] == "transform" {
		args := os.Args[3:]
		franzGoTransformer(args[0], args[1], args[2], args[3], int32(number(args[4])), args[5], args[6])
		return
	}
	if len(os.Args) != 6 {
		fail(fmt.Errorf("usage: golang franz-go|sarama produce|consume|member BOOTSTRAP …"))
	}
	bootstrap, topic, last := os.Args[3], os.Args[4], os.Args[5]
	switch os.Args[1] + " " + os.Args[2] {
	case "franz-go produce":
		franzGoProduce(bootstrap, topic, last)
	case "franz-go consume":
		franzGoConsume(bootstrap, topic, number(last))
	case "sarama produce":
		saramaProduce(bootstrap, topic, last)
	case "sarama consume":
		saramaConsume(bootstrap, topic, number(last))
	default:
		fail(fmt.Errorf("no such client or verb: %v", os.Args[1:3]))
	}
}

func readRecords() []record {
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	var records []record
	for {
		var line record
		err := lines.Decode(&line)
		if err == io.EOF {
			return records
		}
		fail(err)
		records = append(records, line)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	fail(err)
	return n
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
