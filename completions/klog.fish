# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_klog_global_optspecs
    string join \n v/verbose q/quiet color= h/help V/version
end

function __fish_klog_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_klog_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_klog_using_subcommand
    set -l cmd (__fish_klog_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c klog -n "__fish_klog_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_needs_command" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_needs_command" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_needs_command" -s V -l version -d 'Print version'
complete -c klog -n "__fish_klog_needs_command" -f -a "serve" -d 'Run a broker'
complete -c klog -n "__fish_klog_needs_command" -f -a "produce" -d 'Write records to a topic, one per line of stdin'
complete -c klog -n "__fish_klog_needs_command" -f -a "consume" -d 'Print the records of topics'
complete -c klog -n "__fish_klog_needs_command" -f -a "topics" -d 'List, create, describe, change and delete topics'
complete -c klog -n "__fish_klog_needs_command" -f -a "groups" -d 'List, describe, reset and delete consumer groups'
complete -c klog -n "__fish_klog_needs_command" -f -a "transactions" -d 'List, describe and abort transactions, and find those that hang'
complete -c klog -n "__fish_klog_needs_command" -f -a "dump-segment" -d 'Show, check and repair the files of logs, with no broker'
complete -c klog -n "__fish_klog_needs_command" -f -a "perf-test" -d 'Measure throughput and latency of a cluster, klog\'s or any other Kafka\'s'
complete -c klog -n "__fish_klog_needs_command" -f -a "completions" -d 'Print the completion script for a shell'
complete -c klog -n "__fish_klog_needs_command" -f -a "man" -d 'Print a manual page, in roff'
complete -c klog -n "__fish_klog_using_subcommand serve" -l config -d 'Read settings from a klog.yaml or a server.properties' -r -F
complete -c klog -n "__fish_klog_using_subcommand serve" -l listen -d 'Accept connections here; port 0 picks a free one [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand serve" -l advertise -d 'The address that clients are told [default: where it listens]' -r
complete -c klog -n "__fish_klog_using_subcommand serve" -l data-dir -d 'Keep data here [default: ./klog-data]' -r -F
complete -c klog -n "__fish_klog_using_subcommand serve" -l node-id -d 'This node\'s number in its cluster' -r
complete -c klog -n "__fish_klog_using_subcommand serve" -l set -d 'Set a key, by Kafka\'s name; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand serve" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand serve" -l check -d 'Only check the settings: exit 0 if they are sound, else 1'
complete -c klog -n "__fish_klog_using_subcommand serve" -l print-config -d 'Only print every key, its value, and where that comes from'
complete -c klog -n "__fish_klog_using_subcommand serve" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand serve" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand produce" -s k -l key -d 'The key of every record' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -s K -l key-separator -d 'Split each line into key and value at the first SEP' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -s H -l header -d 'Add a header to every record; names may repeat' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -s p -l partition -d 'Write to this partition' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l partitioner -d 'Who chooses the partition [default: murmur2]' -r -f -a "murmur2\t'By the key\'s murmur2, as Java\'s client does; without a key sticky'
sticky\t'One partition until a batch is full, whatever the key'
round-robin\t'In turn'
random\t'At random'
crc32\t'By the key\'s CRC-32, as librdkafka does'"
complete -c klog -n "__fish_klog_using_subcommand produce" -s a -l acks -d 'Who must have a record before it counts as delivered [default: all]' -r -f -a "0\t'Nobody: it was sent'
1\t'The leader'
all\t'All in-sync replicas'"
complete -c klog -n "__fish_klog_using_subcommand produce" -s z -l compression -d 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l batch-size -d 'Send a batch once it has this size [default: 16KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l linger -d 'Send a batch that is not full after so long [default: 5ms]' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -s D -l delimiter -d 'What ends a record' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l input -d 'How stdin is read' -r -f -a "lines\t'A record per line'
json\t'A record per line, in JSON'
raw\t'All of stdin is one record'"
complete -c klog -n "__fish_klog_using_subcommand produce" -l null-marker -d 'A value equal to STR is null' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l timestamp -d 'The timestamp of every record [default: the time of writing]' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l rate -d 'Write at most N records a second' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l idempotent -d 'Never write a record twice when a request is repeated [default: true]' -r -f -a "true\t''
false\t''"
complete -c klog -n "__fish_klog_using_subcommand produce" -l transactional-id -d 'Write all of the input in one transaction of this id' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l format -d 'How --print-offsets prints' -r -f -a "plain\t'Text'
json\t'One JSON object a line'"
complete -c klog -n "__fish_klog_using_subcommand produce" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand produce" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand produce" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand produce" -l ignore-partition -d 'With --input json: let the partitioner choose'
complete -c klog -n "__fish_klog_using_subcommand produce" -l ignore-timestamp -d 'With --input json: the time of writing'
complete -c klog -n "__fish_klog_using_subcommand produce" -l print-offsets -d 'Print a line per record: topic[partition]@offset'
complete -c klog -n "__fish_klog_using_subcommand produce" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand produce" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand consume" -s g -l group -d 'Share the topics with the members of this group, from where it has read to' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l commit -d 'When the group hears how far it was read [default: auto]' -r -f -a "auto\t'Every 5 s (auto.commit.interval.ms), and at exit'
sync\t'After each write; no more is read until the group has heard of it'
async\t'After each write, without waiting; and at exit'
none\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand consume" -l assignor -d 'How members share partitions [default: cooperative-sticky]' -r -f -a "range\t'Each topic in ranges'
roundrobin\t'All partitions in turn'
sticky\t'As even as can be, with few moves'
cooperative-sticky\t'The same, and nobody stops for what does not move'"
complete -c klog -n "__fish_klog_using_subcommand consume" -l static-id -d 'Stay a member under this name over a restart' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s p -l partition -d 'Read only these partitions; not with a group' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s o -l from -d 'Where to start: earliest, latest, stored, OFFSET, -N, TIME' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l reset -d 'Where to go on if that offset is not there (any more) [default: earliest]' -r -f -a "earliest\t'At the first record'
latest\t'At the end'
error\t'Nowhere: fail'"
complete -c klog -n "__fish_klog_using_subcommand consume" -l until -d 'Where to stop: end, OFFSET, TIME; it is not read itself' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s n -l max-messages -d 'Stop after N records were printed' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l isolation -d 'Which transactions are read [default: read_committed]' -r -f -a "read_committed\t'Committed ones, up to the first that is still open'
read_uncommitted\t'All, also aborted ones'"
complete -c klog -n "__fish_klog_using_subcommand consume" -l key-regex -d 'Print only records whose key matches; a null key does not' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l value-regex -d 'Print only records whose value matches; null does not' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l header-regex -d 'Print only records with a header NAME whose value matches' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l template -d 'Print records by a template' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s K -l key-separator -d 'Print the key before the value, and SEP between them' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l null-marker -d 'What to print for null [default: nothing]' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s D -l delimiter -d 'What to print after each record' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l format -d 'How to print records' -r -f -a "plain\t'The value, a line each'
json\t'One JSON object a line; loses nothing'
table\t'Columns, printed once reading has ended'"
complete -c klog -n "__fish_klog_using_subcommand consume" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand consume" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand consume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand consume" -s r -l regex -d 'TOPIC is a regular expression: read every topic that it matches'
complete -c klog -n "__fish_klog_using_subcommand consume" -s e -d 'Stop at the end, as it is at the start: --until end'
complete -c klog -n "__fish_klog_using_subcommand consume" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand consume" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "list" -d 'List topics'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "create" -d 'Create topics'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "describe" -d 'Show where a topic\'s partitions are and what they hold'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "configs" -d 'Show a topic\'s configs'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "alter" -d 'Change a topic\'s configs, or add partitions'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "offsets" -d 'Show a topic\'s offsets at its ends or at a time'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "trim" -d 'Delete the oldest records of a topic'
complete -c klog -n "__fish_klog_using_subcommand topics; and not __fish_seen_subcommand_from list create describe configs alter offsets trim delete" -f -a "delete" -d 'Delete topics with all their records'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -l internal -d 'Also topics that Kafka keeps its own state in'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s p -l partitions -d 'How many partitions [default: what the broker\'s num.partitions says]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s r -l replication-factor -d 'On how many brokers each [default: the broker\'s default.replication.factor]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s c -l config -d 'Set a topic config; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l if-not-exists -d 'Leave topics alone that exist already'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -l under-replicated -d 'Only partitions with fewer in-sync replicas than replicas'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -l all -d 'Also those that the topic does not set itself'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from configs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s c -l config -d 'Set a topic config; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l unset -d 'Go back to the default of a topic config; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l partitions -d 'Have so many partitions from now on; there is no way back' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from alter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -l at -d 'Where: earliest, latest, TIME' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from offsets" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l before -d 'The first to stay: OFFSET, TIME, or latest for none' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s p -l partition -d 'Only these partitions' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s y -l yes -d 'Do not ask'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from trim" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l if-exists -d 'Do not fail for topics that do not exist'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Do not ask'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand topics; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "list" -d 'Show what groups there are'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "describe" -d 'Show how far groups have read, who is in them, or their state'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "reset" -d 'Set what a group reads next; it must have no members'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "delete" -d 'Delete groups with all that they committed; they must have no members'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "delete-offsets" -d 'Forget what a group committed of a topic; no member may read it'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "export" -d 'Write what a group has committed to stdout, as JSON lines for import'
complete -c klog -n "__fish_klog_using_subcommand groups; and not __fish_seen_subcommand_from list describe reset delete delete-offsets export import" -f -a "import" -d 'Commit for a group what export wrote, from stdin; it must have no members'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -l state -d 'Only those in this state; several are separated by commas' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l members -d 'A line per member, with what it has'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -l state -d 'A line per group, with its state'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l topic -d 'A topic, or some of its partitions; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l to -d 'Where to: earliest, latest, OFFSET, TIME, +N, -N' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l all-topics -d 'All partitions that the group has committed'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Do not ask'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l topic -d 'A topic, or some of its partitions; may be given more than once' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s y -l yes -d 'Do not ask'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from delete-offsets" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand groups; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -f -a "list" -d 'Show which transactional ids there are'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -f -a "describe" -d 'Show what transactions reach, and for how long they are open'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -f -a "hanging" -d 'Find transactions that hold up readers and that nobody will end'
complete -c klog -n "__fish_klog_using_subcommand transactions; and not __fish_seen_subcommand_from list describe hanging abort" -f -a "abort" -d 'Abort transactions: by their id, or one that hangs at a partition'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l state -d 'Only those in this state; several are separated by commas' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l producer-id -d 'Only those of this producer; several are separated by commas' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l older-than -d 'Only those whose transaction began longer ago' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l broker -d 'Look only at partitions of which this broker has a replica, as it sees them' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l topic -d 'Look only at this topic' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l max-timeout -d 'The longest that any transaction may last' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from hanging" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l topic -d 'The topic in which a transaction hangs' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l partition -d 'The partition of it' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l producer-id -d 'The producer whose transaction it is' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -l dry-run -d 'Say what would be done, and do nothing'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s y -l yes -d 'Do not ask'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand transactions; and __fish_seen_subcommand_from abort" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l isolation -d 'Which transactions are shown [default: read_committed]' -r -f -a "read_committed\t'Committed ones, up to the first that is still open'
read_uncommitted\t'All, also aborted ones'"
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l key-regex -d 'Only records whose key matches; a null key does not' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l offsets -d 'Only offsets from A up to, not including, B' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l times -d 'Only timestamps from A up to, not including, B' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l producer-id -d 'Only what this idempotent producer wrote' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -s n -l max -d 'Stop after N batches or records' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l topic -d 'Only this topic\'s partitions in a data directory' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -s p -l partition -d 'Only these partitions in a data directory' -r
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l to -d 'Write a clean copy into this folder, which must not have the partition yet' -r -F
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l format -d 'How to print [default: table, plain with --records]' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l batches -d 'Show every batch: the default for .log files and partitions'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l records -d 'Show every record'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l index -d 'Show the entries of indexes, and whether each points at its batch'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l stats -d 'Show sums: records, bytes, codecs and ratios, sizes, times, producers, gaps'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l verify -d 'Check everything, and print a line per thing that is wrong'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l repair -d 'Save every valid batch of damaged partitions: into --to DIR, or --in-place'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l deep -d 'Decompress and read every record too: with --batches, --stats and --verify'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l control -d 'Show control records too: transaction markers, leader changes, snapshot headers'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l raw -d 'Show keys and values of internal topics as they are'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l in-place -d 'Mend the partition itself; the damaged files are kept in PARTITION/damaged-TIME/'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l dry-run -d 'Only say what would be done and what is lost'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -l follow -d 'Go on and wait for what is written next; until Ctrl-C or -n'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand dump-segment" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -f -a "produce" -d 'Measure writing: at a fixed rate, or as fast as it goes'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -f -a "consume" -d 'Measure reading: as fast as it goes'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -f -a "end-to-end" -d 'Measure the way from when a record is due to when a consumer has it'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -f -a "ceiling" -d 'Measure this tool: how fast it writes to a broker that only acknowledges'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and not __fish_seen_subcommand_from produce consume end-to-end ceiling compare" -f -a "compare" -d 'Compare two brokers, case by case, in the order A B B A'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l topic -d 'The topic' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l partitions -d 'Create the topic with so many partitions, if it is not there' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l transaction-size -d 'Send so many records per transaction' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l records -d 'Stop after so many records' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l duration -d 'Stop after so long [default: 10s, unless --records says when]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l warmup -d 'Do not count what is due in so long a time at the start' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l rate -d 'Send N records a second, whatever becomes of them; max: as fast as it goes' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l record-size -d 'The size of each record\'s value [default: 1KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l payload -d 'Send the lines of a file, over and over, instead of random bytes' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l producers -d 'Use so many producers, each with connections of its own' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s a -l acks -d 'Who must have a record before it counts as delivered [default: all]' -r -f -a "0\t'Nobody: it was sent'
1\t'The leader'
all\t'All in-sync replicas'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s z -l compression -d 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l batch-size -d 'Send a batch once it has this size [default: 16KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l linger -d 'Send a batch that is not full after so long [default: 5ms]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l hdr -d 'Write the latencies of each second to a file, as an HdrHistogram log' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l html -d 'Write a page with charts to a file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l topic -d 'The topic' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l records -d 'Stop after so many records' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l duration -d 'Stop after so long' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l warmup -d 'Do not count what is read in so long a time at the start' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l consumers -d 'Use so many consumers, each with connections of its own' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s g -l group -d 'Read as members of this group, from what it has committed on' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l html -d 'Write a page with charts to a file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l topic -d 'The topic' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l partitions -d 'Create the topic with so many partitions, if it is not there' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l transaction-size -d 'Send so many records per transaction' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l rate -d 'Send N records a second over all producers, whatever becomes of them' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l duration -d 'Stop after so long' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l warmup -d 'Do not count what is due in so long a time at the start' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l record-size -d 'The size of each record\'s value [default: 1KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l payload -d 'Send the lines of a file, over and over, instead of random bytes' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l producers -d 'Use so many producers, each with connections of its own' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s a -l acks -d 'Who must have a record before it counts as delivered [default: all]' -r -f -a "0\t'Nobody: it was sent'
1\t'The leader'
all\t'All in-sync replicas'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s z -l compression -d 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l batch-size -d 'Send a batch once it has this size [default: 16KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l linger -d 'Send a batch that is not full after so long [default: 5ms]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l consumers -d 'Use so many consumers, each with connections of its own and its share of the partitions' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l hdr -d 'Write the latencies of each second to a file, as an HdrHistogram log' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l html -d 'Write a page with charts to a file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s b -l bootstrap-server -d 'Brokers to start from [default: 127.0.0.1:9092]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s X -l property -d 'Set a client property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l command-config -d 'Read client properties from a Java properties file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from end-to-end" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l records -d 'Stop after so many records' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l duration -d 'Stop after so long [default: 10s, unless --records says when]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l warmup -d 'Do not count what is due in so long a time at the start' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l record-size -d 'The size of each record\'s value [default: 1KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l payload -d 'Send the lines of a file, over and over, instead of random bytes' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l producers -d 'Use so many producers, each with connections of its own' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s a -l acks -d 'Who must have a record before it counts as delivered [default: all]' -r -f -a "0\t'Nobody: it was sent'
1\t'The leader'
all\t'All in-sync replicas'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s z -l compression -d 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l batch-size -d 'Send a batch once it has this size [default: 16KiB]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l linger -d 'Send a batch that is not full after so long [default: 5ms]' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l partitions -d 'Write to so many partitions' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l hdr -d 'Write the latencies of each second to a file, as an HdrHistogram log' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l html -d 'Write a page with charts to a file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s X -l property -d 'Set a producer property, by librdkafka\'s or Java\'s name' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from ceiling" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l a -d 'The one broker' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l b -d 'The other one' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l case -d 'What to compare; may be given more than once' -r -f -a "produce-1kib\t'Write 1 KiB records to one partition, acks=1, batches of 64 KiB, as fast as it goes'
produce-100b\t'Write 100 B records to six partitions, acks=all, batches of 64 KiB, as fast as it goes'
produce-10k\t'Write 10,000 records of 1 KiB a second, acks=all, no linger: until the acknowledgement'
end-to-end-10k\t'The same, until a consumer has them'
transactions\t'Write 100 B records in transactions of 100, one after the other'
consume-1kib\t'Read 256 MiB of 1 KiB records that were just written'
consume-100b\t'Read 256 MiB of 100 B records that were just written'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l rounds -d 'Run A B B A so many times' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l duration -d 'How long a run goes on that writes' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l warmup -d 'Do not count what is due in so long a time at the start of a run that writes' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l format -d 'How to print' -r -f -a "table\t'Columns that fit the terminal'
json\t'One JSON object a line'
plain\t'Values between tabs, without a header'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l html -d 'Write a page with charts to a file' -r -F
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l timeout -d 'How long finding a broker or one request may take' -r
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand perf-test; and __fish_seen_subcommand_from compare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand completions" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand completions" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c klog -n "__fish_klog_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c klog -n "__fish_klog_using_subcommand man" -s v -l verbose -d 'Log more to stderr (-vv: still more)'
complete -c klog -n "__fish_klog_using_subcommand man" -s q -l quiet -d 'Log only errors, show no progress'
complete -c klog -n "__fish_klog_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
