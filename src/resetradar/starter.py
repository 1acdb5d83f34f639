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
cpu = [
  "cpu/{host_id}/*.json*",          # sadf -j FILE -- -u ALL -P ALL, or mpstat -P ALL -o JSON
]
inventory = [
  "inventory/*.json",               # aws ec2 describe-instances
  "inventory/*.csv",                # host_id plus any columns
]
timezone = "UTC"          # zone of stamps that print none
max_silence_s = 3600      # a log line vouches for its host so long

# [parameters]            # values that the SQL files ask for; their headers say what they mean
# starved_ratio = 0.8
"""
