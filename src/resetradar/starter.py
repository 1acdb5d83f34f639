"""The configuration file that `resetradar init` writes."""

STARTER = """\
# resetradar: where the files of the fleet are, and where results go.
# Relative paths start at this file. RESETRADAR_LAKE and the like override a key.

fleet = "my-fleet"
# shards = 4        # hosts are spread over so many files a day; change it only with a new lake
# workers = 0       # processes; 0 takes one per CPU
lake = "lake"             # base tables and marts, Parquet
published = "published"   # what readers use: catalog.duckdb, exports, runs

[inputs]
# {host_id} is one part of a path, {day} a UTC day as YYYY-MM-DD; * and ? are wildcards.
# Without {host_id} the host is taken from each line.
logs = [
  "logs/{host_id}/kern.log*",       # rsyslog, plain or .gz, .zst, .xz
  "logs/{host_id}/journal.json*",   # journalctl -o json
  "logs/{host_id}/dmesg*",
]
# Formats are told from the content: sysstat's own archive, sadf -j or -d FILE -- -u ALL -P ALL,
# mpstat -P ALL as JSON or text, pages of node_exporter, replies of Prometheus, /proc/stat below
# lines of `date +%s`, and with [inputs.cpu_columns] any CSV or Parquet.
cpu = [
  "cpu/{host_id}/sa[0-9]*",         # as sadc writes it; the fastest to read
  "cpu/{host_id}/*.json*",
]
# cpu_mode = "by_need"    # read CPU metrics only of hosts with resets, and of some of their kind
inventory = [
  "inventory/*.json",               # aws ec2 describe-instances
  "inventory/*.csv",                # host_id plus any columns
]
facts = [
  "facts/{host_id}/*",              # /proc/interrupts and others below "# <epoch> <path>" lines
]
timezone = "UTC"          # zone of stamps that print none
max_silence_s = 3600      # a log line vouches for its host so long

# [inputs.cpu_columns]    # what the columns of CSV or Parquet are called
# host_id = "node"        # unless the path names the host
# sampled_at = "time"     # text, or numbers in at_unit: s, ms, us, ns
# interval_s = 60         # seconds, or a column; without it the distance to the row before
# cpu = "cpu"
# unit = "percent"        # or ratio; counter_s, counter_ticks: totals since boot
# user = "usr"            # nice, system, irq, softirq, steal, iowait, idle alike;
# system = "sys"          # or one row per CPU and mode: mode = "mode", value = "value"

# [inputs.prometheus]     # node_exporter's node_cpu_seconds_total
# url = "http://prometheus.example:9090"
# matchers = 'job="node"'
# host_label = "instance"
# host_pattern = "(?P<host_id>[^.:]+).*"   # how a label value names the host
# hosts = { "10.20.1.17:9100" = "ip-10-20-1-17" }   # or each by its value
# step_s = 0              # 0 takes every scrape at its own time; else query_range with this step
# bearer_token_file = "token"      # or bearer_token_variable = "PROMETHEUS_TOKEN"
# username = "reader"              # with password_file, or password_variable
# ca_file = "ca.pem"               # certificates to trust instead of the system's

# [parameters]            # values that the SQL files ask for; their headers say what they mean
# starved_ratio = 0.8
"""
