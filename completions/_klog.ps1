
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'klog' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'klog'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'klog' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run a broker')
            [CompletionResult]::new('produce', 'produce', [CompletionResultType]::ParameterValue, 'Write records to a topic, one per line of stdin')
            [CompletionResult]::new('consume', 'consume', [CompletionResultType]::ParameterValue, 'Print the records of topics')
            [CompletionResult]::new('topics', 'topics', [CompletionResultType]::ParameterValue, 'List, create, describe, change and delete topics')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, in roff')
            break
        }
        'klog;serve' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read settings from a klog.yaml or a server.properties')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Accept connections here; port 0 picks a free one [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--advertise', '--advertise', [CompletionResultType]::ParameterName, 'The address that clients are told [default: where it listens]')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'Keep data here [default: ./klog-data]')
            [CompletionResult]::new('--node-id', '--node-id', [CompletionResultType]::ParameterName, 'This node''s number in its cluster')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set a key, by Kafka''s name; may be given more than once')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Only check the settings: exit 0 if they are sound, else 1')
            [CompletionResult]::new('--print-config', '--print-config', [CompletionResultType]::ParameterName, 'Only print every key, its value, and where that comes from')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;produce' {
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'The key of every record')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of every record')
            [CompletionResult]::new('-K', '-K ', [CompletionResultType]::ParameterName, 'Split each line into key and value at the first SEP')
            [CompletionResult]::new('--key-separator', '--key-separator', [CompletionResultType]::ParameterName, 'Split each line into key and value at the first SEP')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Add a header to every record; names may repeat')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add a header to every record; names may repeat')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Write to this partition')
            [CompletionResult]::new('--partition', '--partition', [CompletionResultType]::ParameterName, 'Write to this partition')
            [CompletionResult]::new('--partitioner', '--partitioner', [CompletionResultType]::ParameterName, 'Who chooses the partition [default: murmur2]')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Who must have a record before it counts as delivered [default: all]')
            [CompletionResult]::new('--acks', '--acks', [CompletionResultType]::ParameterName, 'Who must have a record before it counts as delivered [default: all]')
            [CompletionResult]::new('-z', '-z', [CompletionResultType]::ParameterName, 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow')
            [CompletionResult]::new('--compression', '--compression', [CompletionResultType]::ParameterName, 'Compress batches: none, gzip, snappy, lz4, zstd; a level may follow')
            [CompletionResult]::new('--batch-size', '--batch-size', [CompletionResultType]::ParameterName, 'Send a batch once it has this size [default: 16KiB]')
            [CompletionResult]::new('--linger', '--linger', [CompletionResultType]::ParameterName, 'Send a batch that is not full after so long [default: 5ms]')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'What ends a record')
            [CompletionResult]::new('--delimiter', '--delimiter', [CompletionResultType]::ParameterName, 'What ends a record')
            [CompletionResult]::new('--input', '--input', [CompletionResultType]::ParameterName, 'How stdin is read')
            [CompletionResult]::new('--null-marker', '--null-marker', [CompletionResultType]::ParameterName, 'A value equal to STR is null')
            [CompletionResult]::new('--timestamp', '--timestamp', [CompletionResultType]::ParameterName, 'The timestamp of every record [default: the time of writing]')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Write at most N records a second')
            [CompletionResult]::new('--idempotent', '--idempotent', [CompletionResultType]::ParameterName, 'Never write a record twice when a request is repeated [default: true]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How --print-offsets prints')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--ignore-partition', '--ignore-partition', [CompletionResultType]::ParameterName, 'With --input json: let the partitioner choose')
            [CompletionResult]::new('--ignore-timestamp', '--ignore-timestamp', [CompletionResultType]::ParameterName, 'With --input json: the time of writing')
            [CompletionResult]::new('--print-offsets', '--print-offsets', [CompletionResultType]::ParameterName, 'Print a line per record: topic[partition]@offset')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;consume' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Share the topics with the other members of this group, and go on where it has read to')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Share the topics with the other members of this group, and go on where it has read to')
            [CompletionResult]::new('--commit', '--commit', [CompletionResultType]::ParameterName, 'When the group hears how far it was read [default: auto]')
            [CompletionResult]::new('--assignor', '--assignor', [CompletionResultType]::ParameterName, 'How the group''s members share partitions; all have to know it [default: cooperative-sticky]')
            [CompletionResult]::new('--static-id', '--static-id', [CompletionResultType]::ParameterName, 'Stay a member under this name over a restart: within session.timeout.ms nobody else gets the partitions')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Read only these partitions; not with a group')
            [CompletionResult]::new('--partition', '--partition', [CompletionResultType]::ParameterName, 'Read only these partitions; not with a group')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to start: earliest, latest, stored, OFFSET, -N, TIME [default: stored with a group, else earliest]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Where to start: earliest, latest, stored, OFFSET, -N, TIME [default: stored with a group, else earliest]')
            [CompletionResult]::new('--reset', '--reset', [CompletionResultType]::ParameterName, 'Where to go on if that offset is not there (any more) [default: earliest]')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Where to stop: end, OFFSET, TIME; it is not read itself')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Stop after N records were printed')
            [CompletionResult]::new('--max-messages', '--max-messages', [CompletionResultType]::ParameterName, 'Stop after N records were printed')
            [CompletionResult]::new('--isolation', '--isolation', [CompletionResultType]::ParameterName, 'Which transactions are read [default: read_committed]')
            [CompletionResult]::new('--key-regex', '--key-regex', [CompletionResultType]::ParameterName, 'Print only records whose key matches; a null key does not')
            [CompletionResult]::new('--value-regex', '--value-regex', [CompletionResultType]::ParameterName, 'Print only records whose value matches; null does not')
            [CompletionResult]::new('--header-regex', '--header-regex', [CompletionResultType]::ParameterName, 'Print only records with a header NAME whose value matches')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Print records by a template')
            [CompletionResult]::new('-K', '-K ', [CompletionResultType]::ParameterName, 'Print the key before the value, and SEP between them')
            [CompletionResult]::new('--key-separator', '--key-separator', [CompletionResultType]::ParameterName, 'Print the key before the value, and SEP between them')
            [CompletionResult]::new('--null-marker', '--null-marker', [CompletionResultType]::ParameterName, 'What to print for null [default: nothing]')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'What to print after each record')
            [CompletionResult]::new('--delimiter', '--delimiter', [CompletionResultType]::ParameterName, 'What to print after each record')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print records')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'TOPIC is a regular expression: read every topic that it matches')
            [CompletionResult]::new('--regex', '--regex', [CompletionResultType]::ParameterName, 'TOPIC is a regular expression: read every topic that it matches')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Stop at the end, as it is at the start: --until end')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List topics')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create topics')
            [CompletionResult]::new('describe', 'describe', [CompletionResultType]::ParameterValue, 'Show where a topic''s partitions are and what they hold')
            [CompletionResult]::new('configs', 'configs', [CompletionResultType]::ParameterValue, 'Show a topic''s configs')
            [CompletionResult]::new('alter', 'alter', [CompletionResultType]::ParameterValue, 'Change a topic''s configs, or add partitions')
            [CompletionResult]::new('offsets', 'offsets', [CompletionResultType]::ParameterValue, 'Show a topic''s offsets at its ends or at a time')
            [CompletionResult]::new('trim', 'trim', [CompletionResultType]::ParameterValue, 'Delete the oldest records of a topic')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete topics with all their records')
            break
        }
        'klog;topics;list' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--internal', '--internal', [CompletionResultType]::ParameterName, 'Also topics that Kafka keeps its own state in')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;create' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'How many partitions [default: what the broker''s num.partitions says]')
            [CompletionResult]::new('--partitions', '--partitions', [CompletionResultType]::ParameterName, 'How many partitions [default: what the broker''s num.partitions says]')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'On how many brokers each [default: the broker''s default.replication.factor]')
            [CompletionResult]::new('--replication-factor', '--replication-factor', [CompletionResultType]::ParameterName, 'On how many brokers each [default: the broker''s default.replication.factor]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Set a topic config; may be given more than once')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Set a topic config; may be given more than once')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--if-not-exists', '--if-not-exists', [CompletionResultType]::ParameterName, 'Leave topics alone that exist already')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;describe' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--under-replicated', '--under-replicated', [CompletionResultType]::ParameterName, 'Only partitions with fewer in-sync replicas than replicas')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;configs' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also those that the topic does not set itself')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;alter' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Set a topic config; may be given more than once')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Set a topic config; may be given more than once')
            [CompletionResult]::new('--unset', '--unset', [CompletionResultType]::ParameterName, 'Go back to the default of a topic config; may be given more than once')
            [CompletionResult]::new('--partitions', '--partitions', [CompletionResultType]::ParameterName, 'Have so many partitions from now on; there is no way back')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;offsets' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Where: earliest, latest, TIME')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;trim' {
            [CompletionResult]::new('--before', '--before', [CompletionResultType]::ParameterName, 'The first to stay: OFFSET, TIME, or latest for none')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Only these partitions')
            [CompletionResult]::new('--partition', '--partition', [CompletionResultType]::ParameterName, 'Only these partitions')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;topics;delete' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('--bootstrap-server', '--bootstrap-server', [CompletionResultType]::ParameterName, 'Brokers to start from [default: 127.0.0.1:9092]')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--property', '--property', [CompletionResultType]::ParameterName, 'Set a client property, by librdkafka''s or Java''s name')
            [CompletionResult]::new('--command-config', '--command-config', [CompletionResultType]::ParameterName, 'Read client properties from a Java properties file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long finding a broker or one request may take')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--if-exists', '--if-exists', [CompletionResultType]::ParameterName, 'Do not fail for topics that do not exist')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Say what would be done, and do nothing')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'klog;man' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log more to stderr (-vv: still more)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Log only errors, show no progress')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
