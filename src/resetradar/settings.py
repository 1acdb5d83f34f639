"""The configuration file, as one typed object. Nothing else reads the environment.

Precedence: command line, then ``RESETRADAR_…`` variables, then ``resetradar.toml``, then defaults.
"""

import os
import re
from base64 import b64encode
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from resetradar.errors import SettingsError
from resetradar.sources import CpuColumns, Prometheus

FILE_NAME = "resetradar.toml"


class Inputs(BaseModel):
    """Where the files of the fleet are: path templates with ``{host_id}``, ``{day}`` and ``*``."""

    model_config = ConfigDict(extra="forbid")

    logs: list[str] = []
    cpu: list[str] = []
    cpu_columns: CpuColumns | None = None
    cpu_mode: Literal["all", "by_need"] = "all"
    prometheus: Prometheus | None = None
    inventory: list[str] = []
    facts: list[str] = []
    timezone: str = "UTC"
    # The ledger knows the first and last line of an hour, so shorter silences are not seen.
    max_silence_s: float = Field(default=3600.0, ge=3600, le=86400)

    @field_validator("logs", "cpu", "inventory", "facts")
    @classmethod
    def _known_placeholders(cls, value: list[str]) -> list[str]:
        known = {"{host_id}", "{day}"}
        unknown = sorted({name for t in value for name in re.findall(r"{\w*}", t)} - known)
        if unknown:
            raise ValueError(f"expected {{host_id}} or {{day}} in a template, found {unknown}")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, KeyError, OSError) as error:
            raise ValueError("expected an IANA zone name such as UTC or Europe/Berlin") from error
        return value


class Parameters(BaseModel):
    """Values that the SQL files ask for by name; unit and meaning stand in their headers."""

    model_config = ConfigDict(extra="forbid")

    history_days: int = Field(
        default=28, ge=1, le=366, description="days that window marts look back, the last included"
    )
    saturation_pct: float = Field(default=95.0, gt=0, le=100)
    starved_ratio: float = Field(default=0.8, gt=0, le=1)
    episode_gap_s: float = Field(default=900.0, gt=0)
    shared_bucket_s: float = Field(default=900.0, gt=0, le=3600)
    shared_min_hosts: int = Field(default=5, ge=2)
    memory_h: float = Field(default=168.0, gt=0)
    prior_per_1000h: float = Field(default=1.25, gt=0)
    family_weight: float = Field(default=20.0, gt=0)
    min_host_exposure_h: float = Field(default=1.0, ge=0)
    min_cohort_hosts: int = Field(default=5, ge=1)
    min_cohort_exposure_h: float = Field(default=24.0, gt=0)
    max_attribute_levels: int = Field(default=50, ge=2)
    uptime_bin_h: float = Field(default=24.0, ge=1, le=168)
    sign_margin_s: float = Field(default=60.0, ge=0, le=3600)
    steal_pct: float = Field(default=10.0, gt=0, le=100)
    high_memory_cgroups: float = Field(default=5000.0, gt=0)
    crash_loop_restarts: float = Field(default=10.0, gt=0)
    abnormal_score: float = Field(default=2.0, gt=0)
    abnormal_q: float = Field(default=0.05, gt=0, lt=1)
    change_q: float = Field(default=0.05, gt=0, lt=1)


class Settings(BaseSettings):
    """Everything a run needs to know. Relative paths start at the configuration file."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix="RESETRADAR_", env_nested_delimiter="__"
    )

    fleet: str = Field(default="fleet", pattern=r"^[A-Za-z0-9_.-]+$")
    shards: int = Field(default=4, ge=1, le=4096)
    workers: int = Field(default=0, ge=0, description="0 takes one per CPU")
    lake: Path = Path("lake")
    published: Path = Path("published")
    inputs: Inputs = Inputs()
    parameters: Parameters = Field(default_factory=Parameters)
    root: Path = Field(default_factory=Path.cwd, description="folder of the configuration file")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of the sources: arguments, environment, file."""
        del dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls, _reading) if _reading else None
        return (init_settings, env_settings, *([toml] if toml else []))

    @property
    def prometheus(self) -> Prometheus | None:
        """``inputs.prometheus`` with absolute files."""
        server = self.inputs.prometheus
        return server.below(self.root) if server else None

    @property
    def lake_root(self) -> Path:
        """Absolute folder of the base tables."""
        return self.root / self.lake

    @property
    def published_root(self) -> Path:
        """Absolute folder of the published runs and exports."""
        return self.root / self.published

    @property
    def worker_count(self) -> int:
        """Processes to use."""
        return self.workers or len(os.sched_getaffinity(0))


# pydantic-settings takes its file from the class; this is the file of the load in progress.
_reading: Path | None = None


def config_path(path: Path | None = None) -> Path:
    """The configuration file: the argument, ``RESETRADAR_CONFIG``, or the working folder's."""
    return (path or Path(os.environ.get("RESETRADAR_CONFIG", FILE_NAME))).resolve()


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration file.

    Raises:
        SettingsError: The file is missing, is not TOML, or a key is missing or has a wrong form.
    """
    global _reading  # noqa: PLW0603 - see above
    file = config_path(path)
    if not file.is_file():
        raise SettingsError(
            f"{file}: no such configuration file; write one with `resetradar init` "
            "or name one with --config"
        )
    _reading = file
    try:
        return Settings(root=file.parent)
    except ValidationError as error:
        raise SettingsError(_explain(file, error)) from error
    except ValueError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    finally:
        _reading = None


def authorization(server: Prometheus) -> str | None:
    """Value of the header ``Authorization``, read anew at each call; None if none is configured.

    Raises:
        SettingsError: The file or variable cannot be read or holds no secret. It is never told.
    """
    if server.username is not None:
        secret = _secret("password", server.password_file, server.password_variable)
        pair = f"{server.username}:{secret}".encode()
        return f"Basic {b64encode(pair).decode()}"
    token = _secret("bearer_token", server.bearer_token_file, server.bearer_token_variable)
    return f"Bearer {token}" if token else None


def _secret(key: str, file: Path | None, variable: str | None) -> str | None:
    if file is None and variable is None:
        return None
    where = f"inputs.prometheus.{key}_" + (f"file: {file}" if file else f"variable: {variable}")
    try:
        text = file.read_text(encoding="utf-8") if file else os.environ.get(variable or "", "")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "other bytes"
        raise SettingsError(f"{where}: expected a secret as UTF-8 text, found {why}") from None
    if not text.strip() or not text.strip().isprintable():
        raise SettingsError(f"{where}: expected one line with a secret, found none or more")
    return text.strip()


# A secret in the wrong place must not get into a log.
_SECRET = re.compile(r"password|token|secret|://[^/]*@", re.IGNORECASE)


def _explain(file: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        is_shown = problem["type"] != "missing" and not _SECRET.search(f"{key} {problem['input']}")
        found = f", found {problem['input']!r}" if is_shown else ""
        lines.append(f"{file}: {key}: {problem['msg']}{found}")
    return "\n".join(lines)
