"""Everything of Dagster, and nothing else: assets, checks, the nightly job and how to run it."""

import os

# Read when Dagster is imported, so it must be set here, before any module of this package.
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
