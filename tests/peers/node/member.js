// A member of a consumer group for klog's tests, over kafkajs.
//
// member.js BOOTSTRAP GROUP TOPIC
//
// Prints a line for each thing that happens: "assigned PARTITION…", "revoked PARTITION…", "record PARTITION OFFSET VALUE". Commits what it
// has printed after each batch. SIGTERM ends it.

const { Kafka, PartitionAssigners, logLevel } = require('kafkajs')

const [bootstrap, groupId, topic] = process.argv.slice(2)

// kafkajs's own is the one that other clients have, but under a name that none of them knows.
const roundrobin = settings => ({ ...PartitionAssigners.roundRobin(settings), name: 'roundrobin' })

const kafka = new Kafka({ brokers: [bootstrap], clientId: 'kafkajs', logLevel: logLevel.WARN })
const consumer = kafka.consumer({
  groupId,
  partitionAssigners: [roundrobin],
  sessionTimeout: 3000,
  heartbeatInterval: 100,
  maxWaitTimeInMs: 100,
})

let has = []
const revoke = () => {
  console.log(['revoked', ...has].join(' '))
  has = []
}
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  has = payload.memberAssignment[topic] ?? []
  console.log(['assigned', ...has].join(' '))
})
consumer.on(consumer.events.REBALANCING, revoke)

const main = async () => {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      console.log('record', partition, message.offset, message.value.toString())
    },
  })
}

process.on('SIGTERM', async () => {
  await consumer.disconnect()
  revoke()
})
main().catch(error => {
  console.error(error)
  process.exit(1)
})
