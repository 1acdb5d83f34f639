"""Sources of CPU metrics that need more than a path: tables by their columns, and Prometheus."""

import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"


class CpuColumns(BaseModel):
    """What the columns of a CSV or Parquet table of CPU metrics are called, and what they count.

    Either one column per mode, or the two columns ``mode`` and ``value``.
    """

    model_config = ConfigDict(extra="forbid")

    host_id: str | None = None
    sampled_at: str
    # Of a column of numbers; text without a zone is of inputs.timezone.
    at_unit: Literal["s", "ms", "us", "ns"] = "s"
    interval_s: str | float | None = None
    cpu: str = "cpu"
    unit: Literal["percent", "ratio", "counter_s", "counter_ticks"] = "percent"
    mode: str | None = None
    value: str | None = None
    user: str | None = None
    nice: str | None = None
    system: str | None = None
    irq: str | None = None
    softirq: str | None = None
    steal: str | None = None
    iowait: str | None = None
    idle: str | None = None

    @model_validator(mode="after")
    def _can_make_shares(self) -> Self:
        if (self.mode is None) != (self.value is None):
            raise ValueError("expected both mode and value, or neither")
        if self.mode is None and self.system is None:
            raise ValueError("expected mode and value, or a column for system")
        if self.mode is None and self.unit.startswith("counter") and self.idle is None:
            raise ValueError("expected a column for idle: counters are shares of their sum")
        return self


class Prometheus(BaseModel):
    """A Prometheus that scrapes node_exporter, how its hosts are called, and how it lets us in.

    Secrets stand in files or environment variables. This holds only where, so it can be printed.
    """

    model_config = ConfigDict(extra="forbid")

    # Neither user nor password, which would get into messages, nor a query.
    url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")
    bearer_token_file: Path | None = None
    bearer_token_variable: str | None = Field(default=None, pattern=_VARIABLE)
    username: str | None = Field(default=None, pattern=r"^[\x20-\x39\x3b-\x7e]+$")
    password_file: Path | None = None
    password_variable: str | None = Field(default=None, pattern=_VARIABLE)
    ca_file: Path | None = Field(default=None, description="PEM certificates to trust, no others")
    matchers: str = Field(default="", description='PromQL, as in job="node",region="eu-west-1"')
    host_label: str = Field(default="instance", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    host_pattern: str = r"(?P<host_id>[^:]+)(:[0-9]+)?"
    hosts: dict[str, str] = Field(default={}, description="host_id by label value")
    step_s: float = Field(default=0.0, ge=0, description="0 takes every scrape at its own time")
    page_s: float = Field(default=3600.0, ge=60, le=86400)
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    attempts: int = Field(default=4, ge=1, le=10)

    @field_validator("host_pattern")
    @classmethod
    def _names_the_host(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from error
        if "host_id" not in groups:
            raise ValueError("expected a group (?P<host_id>…)")
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        token = [x for x in (self.bearer_token_file, self.bearer_token_variable) if x is not None]
        password = [x for x in (self.password_file, self.password_variable) if x is not None]
        if len(token) > 1 or len(password) > 1:
            raise ValueError("expected a secret in a file or in a variable, not in both")
        if token and (password or self.username):
            raise ValueError("expected a bearer token or a username, not both")
        if bool(password) != (self.username is not None):
            raise ValueError("expected username with password_file or password_variable")
        if self.ca_file and not self.url.startswith("https:"):
            raise ValueError("expected https in url, since there is a ca_file")
        return self

    def below(self, root: Path) -> Self:
        """The same with files that start at a folder."""
        names = ("bearer_token_file", "password_file", "ca_file")
        files = {name: getattr(self, name) for name in names}
        return self.model_copy(update={n: root / f for n, f in files.items() if f is not None})
