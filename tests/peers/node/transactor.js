// Transactions for klog's tests, over kafkajs, one command a line on stdin.
//
// transactor.js BOOTSTRAP
//
// The commands and their answers are those of Transactor.java, without "read": kafkajs does not tell when a partition is at its end.

const readline = require('readline')
const { Kafka, logLevel } = require('kafkajs')

const kafka = new Kafka({ brokers: [process.argv[2]], clientId: 'kafkajs', logLevel: logLevel.NOTHING })

const producers = {}
const transactions = {}

const commands = {
  async init(name, transactionalId, timeout) {
    producers[name] = kafka.producer({
      transactionalId,
      transactionTimeout: Number(timeout),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producers[name].connect()
    // The first transaction of a producer is what it asks for its id with.
    transactions[name] = await producers[name].transaction()
  },
  async begin(name) {
    if (!transactions[name].isActive()) transactions[name] = await producers[name].transaction()
  },
  async send(name, topic, partition, ...values) {
    const messages = values.map(value => ({ value, partition: Number(partition) }))
    await transactions[name].send({ topic, messages })
  },
  async offsets(name, consumerGroupId, topic, partition, offset) {
    const topics = [{ topic, partitions: [{ partition: Number(partition), offset }] }]
    await transactions[name].sendOffsets({ consumerGroupId, topics })
  },
  async commit(name) {
    await transactions[name].commit()
  },
  async abort(name) {
    await transactions[name].abort()
  },
}

const main = async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...words] = line.split(' ')
    try {
      await commands[command](...words)
      console.log('ok')
    } catch (error) {
      console.error(error)
      console.log(`failed ${error.type ?? error.name}`)
    }
  }
  process.exit(0)
}

main()
