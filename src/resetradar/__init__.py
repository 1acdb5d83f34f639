"""resetradar: which hosts of a fleet reset their network devices abnormally often, and why."""

__version__ = "0.1.0"
