"""Parses metrics from stdin strictly: `text` (Prometheus 0.0.4) or `openmetrics`. Prints how many samples there are.

Beyond what the parsers refuse, no series may stand there twice, every family needs a help, and counters end in _total.
"""

import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

families = {"text": parser, "openmetrics": openmetrics}[sys.argv[1]]
seen = set()
names = set()
for family in families.text_string_to_metric_families(sys.stdin.read()):
    if family.name in names:
        sys.exit(f"{family.name} stands there twice")
    names.add(family.name)
    if not family.documentation:
        sys.exit(f"{family.name} has no help")
    if family.type not in ("counter", "gauge", "histogram"):
        sys.exit(f"{family.name} is of type {family.type}")
    for sample in family.samples:
        series = (sample.name, tuple(sorted(sample.labels.items())))
        if series in seen:
            sys.exit(f"{series} stands there twice")
        seen.add(series)
        if family.type == "counter" and not sample.name.endswith("_total"):
            sys.exit(f"{sample.name} is a counter without _total")
print(len(seen))
