"""One incident is read alike from every kind of log, whatever stands around its lines."""

import base64
import gzip
import json
import string
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.adhoc import find_episodes
from resetradar.clock import Calendar, day_bounds
from resetradar.coverage import Ledger
from resetradar.envelopes import load_envelopes
from resetradar.files import Source
from resetradar.scan import scan_file

_HOST = "ip-10-20-1-17"
_START = datetime(2026, 11, 20, 12, 0, 1, 250_000, tzinfo=UTC)
_BOOT = _START - timedelta(seconds=1234.5)
_DAY = Calendar(date(2026, 11, 20))
_BOOT_ID = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class _Line:
    after_ms: int
    text: str

    @property
    def at(self):
        return _START + timedelta(milliseconds=self.after_ms)

    @property
    def up_us(self):
        return round((self.at - _BOOT) / timedelta(microseconds=1))

    @property
    def up(self):
        return f"{self.up_us // 1_000_000:5d}.{self.up_us % 1_000_000:06d}"

    @property
    def epoch_us(self):
        return round((self.at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


_DEVICE = "ena 0000:00:05.0 eth0: "
_INCIDENT = (
    _Line(-700, "Linux version 6.1.0"),
    _Line(-600, "audit: type=1130 audit(1795176000.650:7): pid=1"),
    _Line(-500, "rcu: INFO: rcu_sched self-detected stall on CPU"),
    _Line(0, _DEVICE + "Found a Tx that wasn't completed on time, qid 2, index 961."),
    _Line(
        250,
        _DEVICE
        + "The number of lost tx completions is above the threshold (300 > 128). Reset the device",
    ),
    _Line(500, _DEVICE + "Trigger reset is on"),
    _Line(1500, "ena 0000:00:05.0: Device reset completed successfully, Driver info: ENA v2.1.0K"),
)


def _each(form):
    return "".join(form(line) + "\n" for line in _INCIDENT)


def _human():
    out, minute, previous = [], None, None
    for line in _INCIDENT:
        if minute == line.at.minute:
            out.append(f"[  +{(line.up_us - previous) / 1e6:.6f}] {line.text}")
        else:
            out.append(f"[Nov20 {line.at:%H:%M}] {line.text}")
        minute, previous = line.at.minute, line.up_us
    return "\n".join(out) + "\n"


def _journal(line, **more):
    return {
        "__REALTIME_TIMESTAMP": str(line.epoch_us + 40_000),
        "__MONOTONIC_TIMESTAMP": str(line.up_us + 40_000),
        "_SOURCE_MONOTONIC_TIMESTAMP": str(line.up_us),
        "_BOOT_ID": _BOOT_ID,
        "_HOSTNAME": _HOST,
        "_TRANSPORT": "kernel",
        "SYSLOG_IDENTIFIER": "kernel",
        "MESSAGE": line.text,
        **more,
    }


def _export(*, binary):
    out = b""
    for line in _INCIDENT:
        for name, value in _journal(line).items():
            raw = value.encode()
            if binary and name == "MESSAGE":
                out += name.encode() + b"\n" + len(raw).to_bytes(8, "little") + raw + b"\n"
            else:
                out += name.encode() + b"=" + raw + b"\n"
        out += b"\n"
    return out


def _syslog(line):
    return f"{line.at:%b %d %H:%M:%S} {_HOST} kernel: [{line.up}] {line.text}"


def _dmesg(line):
    return f"[{line.up}] {line.text}"


def _iso(line):
    return f"{line.at:%Y-%m-%dT%H:%M:%S.%f}+00:00"


def _z(line):
    return f"{line.at:%Y-%m-%dT%H:%M:%S.%f}789Z"


def _events_of_cloudwatch():
    return [
        {"timestamp": x.epoch_us // 1000, "message": _dmesg(x), "ingestionTime": 1, "eventId": "7"}
        for x in _INCIDENT
    ]


def _console():
    head = "\x1b[32m[  OK  ]\x1b[0m Started x.\r\n"
    return head + "".join(f"{_dmesg(line)}\r\n[{line.up}] \r\n" for line in _INCIDENT)


def _halves():
    return "".join(
        f"{_z(x)} stdout P {_dmesg(x)[:60]}\n{_z(x)} stdout F {_dmesg(x)[60:]}\n" for x in _INCIDENT
    )


# How each log is written, how far its times may be off in seconds (None: it has none), and whether
# it names the host and the kernel clock.
_LOGS = {
    "rfc3164": (_each(_syslog), 1.0, True, True),
    "rfc3164 without uptime": (
        _each(lambda x: f"{x.at:%b %d %H:%M:%S} {_HOST} kernel: {x.text}"), 1.0, True, False),
    "rfc3164 precise": (
        _each(lambda x: f"{x.at:%b %d %H:%M:%S.%f} {_HOST} kernel: {x.text}"), 1.0, True, False),
    "rfc3164 no blank": (
        _each(lambda x: f"<3>{x.at:%b %d %H:%M:%S} {_HOST} kernel:[{x.up}] {x.text}"),
        1.0, True, True),
    "rfc3164 no host": (
        _each(lambda x: f"{x.at:%b %d %H:%M:%S} kernel: {x.text}"), 1.0, False, False),
    "rfc3164 busybox": (
        _each(lambda x: f"{x.at:%b %d %H:%M:%S} {_HOST} kern.err kernel: [{x.up}] {x.text}"),
        1.0, True, True),
    "rfc3164 local": (
        _each(lambda x: f"11月 {x.at:%d %H:%M:%S} {_HOST} kernel: {x.text}"), 1.0, True, False),
    "rfc3339": (_each(lambda x: f"{_iso(x)} {_HOST} kernel: [{x.up}] {x.text}"), 1.0, True, True),
    "short-iso": (
        _each(lambda x: f"{x.at:%Y-%m-%dT%H:%M:%S}+0000 {_HOST} kernel: {x.text}"),
        1.0, True, False),
    "rfc5424": (
        _each(lambda x: f"<3>1 {_iso(x)} {_HOST} kernel - - -  [{x.up}] {x.text}"),
        1.0, True, True),
    "rfc5424 framed": (
        _each(lambda x: f'99 <14>1 {_iso(x)} {_HOST} kernel {x.up.strip()} - [m a="]"] {x.text}'),
        1.0, True, True),
    "dmesg": (_each(_dmesg), 1.0, False, True),
    "dmesg -r": (_each(lambda x: f"<3>{_dmesg(x)}"), 1.0, False, True),
    "dmesg -d": (_each(lambda x: f"[{x.up} <    0.000012>] {x.text}"), 1.0, False, True),
    "dmesg -x": (_each(lambda x: f"kern  :err   : {_dmesg(x)}"), 1.0, False, True),
    "dmesg caller": (_each(lambda x: f"[{x.up}][   T123] {x.text}"), 1.0, False, True),
    "dmesg -T": (
        _each(lambda x: f"[{x.at:%a %b %d %H:%M:%S %Y}] {x.text}"), 10.0, False, False),
    "dmesg -T -x": (
        _each(lambda x: f"kern  :err   : [{x.at:%a %b %d %H:%M:%S %Y}] {x.text}"),
        10.0, False, False),
    "dmesg iso": (
        _each(lambda x: f"{x.at:%Y-%m-%dT%H:%M:%S},{x.at:%f}+00:00 {x.text}"), 10.0, False, False),
    "dmesg -H": (_human(), 60.0, False, False),
    "dmesg -H in colour": (
        _human().replace("[", "\x1b[32m[").replace("] ", "] \x1b[0m\x1b[33m"), 60.0, False, False),
    "dmesg -J": (
        json.dumps({"dmesg": [{"pri": 3, "time": x.up_us / 1e6, "msg": x.text} for x in _INCIDENT]},
                   indent=3), 1.0, False, True),
    "dmesg -J in one line": (
        json.dumps({"dmesg": [{"pri": 3, "time": x.up_us / 1e6, "msg": x.text} for x in _INCIDENT]}
                   ), 1.0, False, True),
    "dmesg -J cut": (
        json.dumps({"dmesg": [{"pri": 3, "time": x.up_us / 1e6, "msg": x.text} for x in _INCIDENT]},
                   indent=3)[:-9], 1.0, False, True),
    "kmsg": (
        _each(lambda x: f"3,7,{x.up_us},-,caller=T1;{x.text}\n SUBSYSTEM=pci\n DEVICE=+pci:x"),
        1.0, False, True),
    "short-monotonic": (_each(lambda x: f"[{x.up}] {_HOST} kernel: {x.text}"), 1.0, True, True),
    "short-monotonic no host": (_each(lambda x: f"[{x.up}] kernel: {x.text}"), 1.0, False, True),
    "short-unix": (
        _each(lambda x: f"{x.epoch_us / 1e6:.6f} {_HOST} kernel: {x.text}"), 1.0, True, False),
    "short-full": (
        _each(lambda x: f"{x.at:%a %Y-%m-%d %H:%M:%S} UTC {_HOST} kernel: {x.text}"),
        1.0, True, False),
    "short-full in another zone": (
        _each(lambda x: f"{x.at - timedelta(hours=5):%a %Y-%m-%d %H:%M:%S} EST {_HOST} "
                        f"kernel: {x.text}"), 1.0, True, False),
    "journal json": (_each(lambda x: json.dumps(_journal(x))), 0.001, True, True),
    "journal json bytes": (
        _each(lambda x: json.dumps(_journal(x, MESSAGE=list(x.text.encode())))),
        0.001, True, True),
    "journal json pretty": (
        _each(lambda x: json.dumps(_journal(x), indent="\t")), 0.001, True, True),
    "journal export": (_export(binary=False), 0.001, True, True),
    "journal export binary": (_export(binary=True), 0.001, True, True),
    "fluent bit kmsg": (
        _each(lambda x: json.dumps({
            "date": x.epoch_us / 1e6, "priority": 3, "sequence": 1, "sec": x.up_us // 1_000_000,
            "usec": x.up_us % 1_000_000, "msg": x.text})), 10.0, False, True),
    "fluent bit systemd": (
        _each(lambda x: json.dumps([x.epoch_us / 1e6, _journal(x)])), 0.001, True, True),
    "vector journald": (
        _each(lambda x: json.dumps({
            "PRIORITY": "3", "_TRANSPORT": "kernel", "_SOURCE_MONOTONIC_TIMESTAMP": str(x.up_us),
            "host": _HOST, "message": x.text, "source_type": "journald", "timestamp": _z(x)})),
        1.0, True, True),
    "vector file": (
        _each(lambda x: json.dumps({
            "file": "/var/log/kern.log", "host": "shipper", "message": _syslog(x),
            "source_type": "file", "timestamp": "2026-11-20T12:09:09Z"})), 1.0, True, True),
    "journalbeat": (
        _each(lambda x: json.dumps({
            "@timestamp": _z(x), "message": x.text, "host": {"hostname": _HOST},
            "systemd": {"transport": "kernel"}, "journald": {}})), 1.0, True, False),
    "docker": (
        _each(lambda x: json.dumps({"log": _dmesg(x) + "\n", "stream": "stdout", "time": _z(x)})),
        10.0, False, True),
    "cri": (_each(lambda x: f"{_z(x)} stdout F {_dmesg(x)}"), 10.0, False, True),
    "cri in parts": (_halves(), 10.0, False, True),
    "kubectl --timestamps": (_each(lambda x: f"{_z(x)} {_dmesg(x)}"), 10.0, False, True),
    "s3 export": (_each(lambda x: f"{_z(x)} {x.text}"), 10.0, False, False),
    "csv": (
        "@timestamp,@message\n" + _each(lambda x: f'{x.at:%Y-%m-%d %H:%M:%S.%f},"{_dmesg(x)}"'),
        10.0, False, True),
    "terminal log": (
        _each(lambda x: f"[{x.at:%Y-%m-%d %H:%M:%S}] {_dmesg(x)}"), 10.0, False, True),
    "cloudwatch": (
        json.dumps({"events": _events_of_cloudwatch(), "nextToken": "x"}, indent=4),
        10.0, False, True),
    "cloudwatch subscription": (
        json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": _HOST,
                    "logEvents": _events_of_cloudwatch()}), 10.0, True, True),
    "cloudwatch insights": (
        json.dumps({"results": [[
            {"field": "@timestamp", "value": f"{x.at:%Y-%m-%d %H:%M:%S.%f}"},
            {"field": "@message", "value": _syslog(x)}] for x in _INCIDENT]}), 1.0, True, True),
    "ec2 console": (
        json.dumps({"InstanceId": _HOST, "Output": _console()}, indent=4), 1.0, True, True),
    "ec2 console encoded": (
        json.dumps({"InstanceId": _HOST, "Output": base64.b64encode(_console().encode()).decode()}),
        1.0, True, True),
    "loki push": (
        json.dumps({"streams": [{
            "stream": {"job": "systemd-journal", "hostname": _HOST, "transport": "kernel"},
            "values": [[str(x.epoch_us * 1000), x.text] for x in _INCIDENT]}]}), 1.0, True, False),
    "loki query": (
        json.dumps({"status": "success", "data": {"resultType": "streams", "result": [{
            "stream": {"filename": "/var/log/kern.log"},
            "values": [[str(x.epoch_us * 1000), _syslog(x)] for x in _INCIDENT]}]}}, indent=1),
        1.0, True, True),
    "logread": (
        _each(lambda x: f"{x.at:%a %b %d %H:%M:%S %Y} kern.crit kernel: {_dmesg(x)}"),
        1.0, False, True),
    "netconsole": (_each(lambda x: f"{x.at:%b %d %H:%M:%S} {_dmesg(x)}"), 1.0, False, True),
    "talos": (_each(lambda x: f"kern:     err: [{_z(x)}]: {x.text}"), 10.0, False, False),
    "serial console": (_console(), 1.0, False, True),
    "doubled line ends": (_each(_dmesg).replace("\n", "\r\n\r\n"), 1.0, False, True),
    "saved as UTF-16": (_each(_dmesg).encode("utf-16"), 1.0, False, True),
    "line numbers": (
        "".join(f"{114 + n} {_syslog(x)}\n" for n, x in enumerate(_INCIDENT)), 1.0, True, True),
    "mail": (_each(lambda x: f"> > {_syslog(x)}"), 1.0, True, True),
    "grep": (_each(lambda x: f"/var/log/kern.log.1:{_syslog(x)}"), 1.0, True, True),
    "compose": (_each(lambda x: f"agent-1  | {_syslog(x)}"), 1.0, True, True),
    "repeated": (
        _each(lambda x: f"{x.at:%b %d %H:%M:%S} {_HOST} kernel: message repeated 2 times: "
                        f"[ {_dmesg(x)}]"), 1.0, True, True),
    "bare": (_each(lambda x: x.text), None, False, False),
    "markdown": (_each(lambda x: f"* `{x.text}`"), None, False, False),
    "tag only": (_each(lambda x: f"kernel: {x.text}"), None, False, False),
    "verbose journal": (_each(lambda x: f"    MESSAGE={x.text}"), None, False, False),
}  # fmt: skip


def _scan(path, text, calendar=_DAY):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return scan_file(Source(path, path.name), calendar)


def _of_incident(events):
    """Events of the device, in order."""
    return [e for e in events if e.match.driver == "ena"]


@pytest.mark.parametrize("name", _LOGS)
def test_the_incident_is_read_from_every_kind_of_log(tmp_path, name):
    text, error_s, is_host_named, has_uptime = _LOGS[name]

    events = _of_incident(_scan(tmp_path / "log", text).events)

    device = _INCIDENT[3:]
    assert [event.text for event in events] == [line.text for line in device]
    assert {event.host_id for event in events} == {_HOST if is_host_named else None}
    for event, line in zip(events, device, strict=True):
        assert event.monotonic_us == (line.up_us if has_uptime else None)
        assert event.clock_error_s == error_s
        if error_s is None:
            assert event.at_us is None
        else:
            assert abs(event.at_us - line.epoch_us) <= max(error_s * 1e6, 1)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("dmesg -J", 1), ("dmesg -J cut", 4), ("journal export binary", 12), ("cri in parts", 1),
     ("kmsg", 1), ("journal json pretty", 12), ("rfc3164", 1)],
)  # fmt: skip
def test_an_event_stands_on_the_line_where_its_record_begins(tmp_path, name, rows):
    text, *_ = _LOGS[name]
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")

    events = _of_incident(_scan(tmp_path / "log", text).events)

    for event in events:
        record = b"\n".join(lines[event.line_number - 1 :][:rows])
        assert event.text[:30].encode() in record
    assert len({event.line_number for event in events}) == 4


def test_a_log_that_changes_its_form_in_mid_file_is_read_on(tmp_path):
    old, new, ring = (_LOGS[name][0] for name in ("rfc3164", "rfc3339", "dmesg -T"))

    events = _of_incident(_scan(tmp_path / "log", old + new + ring).events)

    assert len(events) == 3 * 4
    assert all(event.at_us is not None for event in events)


def test_relative_times_without_a_minute_before_them_have_no_time(tmp_path):
    text = _human().partition("\n")[2]

    events = _of_incident(_scan(tmp_path / "log", text).events)

    assert [event.at_us for event in events] == [None] * 4


def test_relative_times_are_summed_over_lines_that_nobody_asks_for(tmp_path):
    text = (
        "[Nov20 12:00] x\n" + "[  +0.250000] chatter\n" * 40
        + f"[  +0.500000] {_DEVICE}Trigger reset is on\n[Nov20 12:01] y\n"
        + f"[  +2.000000] {_DEVICE}Trigger reset is on\n"
    )  # fmt: skip

    events = _of_incident(_scan(tmp_path / "log", text).events)

    first, _ = day_bounds(date(2026, 11, 20))
    noon = first + 12 * 3_600_000_000
    assert [event.at_us - noon for event in events] == [10_500_000, 62_000_000]


def test_each_boot_of_a_console_has_its_own_wall_clock(tmp_path):
    def boot(epoch):
        return (
            f"[    0.000000] Linux version 6.1.0\n[    1.000000] rtc_cmos 00:00: setting system "
            f"clock to X UTC ({epoch})\n[   99.000000] {_DEVICE}Trigger reset is on\n"
        )

    console = boot(1795176001) + boot(1795180000) + f"[    0.5]\n[    0.000000] {_DEVICE}x\n"
    silent = f"[    0.000000] Linux version 6.1.0\n[   50.000000] {_DEVICE}Trigger reset is on\n"

    events = _of_incident(_scan(tmp_path / "log", console + silent).events)

    assert [event.at_us for event in events] == [1795176099000000, 1795180098000000, None]


@pytest.mark.parametrize("wrapped", [
    (f"{_DEVICE}TX q 5 is paused for too long (threshold 5000000).\n"
    "Time since last napi 6596000 usec. napi scheduled: 1\n"),
    (f"[   12.000000] {_DEVICE}TX q 5 is paused for too long (threshold 5000000).\n"
    "    Time since last napi 6596000\n    usec. napi scheduled: 1\n[   13.000000] x\n"),
    (f"> {_DEVICE}TX q 5 is paused for too lo\n> ng (threshold 5000000). Time since last napi "
    "6596000 usec. napi scheduled: 1\n"),
    (f"Nov 20 12:00:01 h kernel: {_DEVICE}TX q 5 is paused for too long =\n"
    "(threshold 5000000). Time since last napi 6596000 usec. napi scheduled: 1\n"),
])  # fmt: skip
def test_a_message_that_was_cut_in_lines_is_put_together(tmp_path, wrapped):
    (event,) = _of_incident(_scan(tmp_path / "log", "before\n" + wrapped + "after\n").events)

    assert event.match.fields["queue"] == 5
    assert event.match.fields["since_napi_us"] == 6596000
    assert event.line_number == 2


@pytest.mark.parametrize("wrapped", [
    ("[ 1234.5] x\n|[Fri Nov 20 09:54:00 2026] NETDEV WATCHDOG: eno3 (igb): transmit queue=\n"
    " 4 timed out 9200 ms\n"),
    "> > [185433.169018] NETDEV WATCHDOG: eno3 (igb): transmit queue 4 timed=\n out 9736 ms\n",
    "> > [185433.169018] NETDEV WATCHDOG: eno3 (igb): transmit queue 4 timed=\n> > out 9736 ms\n",
    "Nov 20 12:00:29 web7 kernel: NETDEV WATCHDOG: eno3 (igb): transmit queue 4 tim=\ned out=20\n",
    "Nov 20 12:00:29 web7 kernel: NETDEV WATCHDOG: eno3 (igb): transmit queue 4 timed out=20\n",
])  # fmt: skip
def test_quoted_printable_mail_loses_no_message_at_its_line_ends(tmp_path, wrapped):
    [event] = _scan(tmp_path / "mail.txt", wrapped).events

    assert (event.match.driver, event.match.interface) == ("igb", "eno3")
    assert event.match.fields["queue"] == 4


@pytest.mark.parametrize("blank", ["=20", "=20 "])
def test_a_thousand_blanks_at_a_line_end_are_read(tmp_path, blank):
    text = "igb 0000:01:00.0 eth0: Reset adapter" + blank * 1000

    assert len(_scan(tmp_path / "mail.txt", text + "\n").events) == 1


def test_a_row_without_host_and_time_belongs_to_the_line_above(tmp_path):
    text = (
        "2026-11-20 12:00:01.995 web7 kernel: e1000 0000:00:03.0 eth0: Detected Tx Unit Hang\n"
        "  Tx Queue             <3>\n"
        "  TDH                  <0>\n"
        "2026-11-20 12:00:02.100 web8 systemd[1]: Started x.\n"
    )
    path = tmp_path / "all.log"

    events = _scan(path, text).events

    assert [event.host_id for event in events] == ["web7", "web7"]
    assert events[0].at_us == events[1].at_us is not None
    assert [record["queues"] for record in find_episodes([path]).records] == [[3]]


def test_non_breaking_blanks_of_a_web_page_hide_no_message(tmp_path):
    message = "igb 0000:01:00.0 eth0: Reset adapter"
    text = f"[ 7555.2] x\n[ 7555.219803] {message}\n".replace(" ", "\u00a0")

    [event] = _scan(tmp_path / "page.txt", text).events

    assert (event.match.pci_address, event.match.interface) == ("0000:01:00.0", "eth0")
    assert (event.line_number, event.monotonic_us) == (2, 7555219803)


def test_typeset_quotes_and_html_escapes_behind_a_stamp_hide_no_message(tmp_path):
    text = (
        "[ 8555.219803] ena 0000:00:05.0 eth0: Found a Tx that wasn\u2019t completed on time, "
        "qid 2, index 0.\n"
        "[ 8555.319803] ena 0000:00:05.0 eth0: The number of lost tx completions is above the "
        "threshold (1019 &gt; 128). Reset the device\n"
    )

    first, second = _scan(tmp_path / "page.txt", text).events

    assert first.match.fields["queue"] == 2
    assert second.match.message.is_decisive


def test_records_of_the_verbose_journal_have_the_time_of_their_header(tmp_path):
    header = (
        "Fri 2026-11-20 12:00:01.250000 UTC [s=6bff;i=52;b={boot};m={up:x};t={at:x};x=98df]\n"
        "    PRIORITY=6\n    _HOSTNAME=web7\n    _TRANSPORT=kernel\n"
        "    MESSAGE=igb 0000:01:00.0 eth0: Reset adapter\n"
        "    _SOURCE_MONOTONIC_TIMESTAMP={up}\n"
    )
    at, minute = 1_795_176_001_250_000, 60_000_000
    text = header.format(boot=_BOOT_ID, up=5_000_000, at=at)
    text += header.format(boot=_BOOT_ID, up=65_000_000, at=at + minute)

    events = _scan(tmp_path / "journal.txt", text).events

    assert [(e.at_us - at, e.monotonic_us) for e in events] == [
        (0, 5_000_000),
        (60_000_000, 65_000_000),
    ]
    assert {(e.host_id, e.boot_id) for e in events} == {("web7", _BOOT_ID)}
    assert [e.line_number for e in events] == [1, 7]


def test_tags_of_kmsg_behind_another_envelope_hide_no_message(tmp_path):
    text = (
        "Nov 20 12:00:01 web7 kernel: [ 5.000001] igb 0000:01:00.0 eth0: Reset adapter "
        "SUBSYSTEM=pci DEVICE=+pci:0000:01:00.0\n"
    )

    [event] = _scan(tmp_path / "kern.log", text).events

    assert event.text == "igb 0000:01:00.0 eth0: Reset adapter"


@pytest.mark.parametrize("prose", [
    "NETDEV WATCHDOG: devname: transmit timed out",
    "2) NETDEV WATCHDOG: ... (igb): transmit queue 0 timed out",
    "- `NETDEV WATCHDOG: <interface> (igb): transmit queue 0 timed out` in dmesg",
    'printk(KERN_INFO "NETDEV WATCHDOG: %s: transmit timed out", dev->name);',
    "[ 1234.567890] NETDEV WATCHDOG: ethX (igb): transmit queue 3 timed out",
    "NETDEV WATCHDOG: enpXsY (igb): transmit queue 3 timed out",
])  # fmt: skip
def test_a_placeholder_in_prose_is_no_interface(tmp_path, prose):
    assert _scan(tmp_path / "notes.md", f"# Notes\n{prose}\n").events == []


def test_an_interface_without_a_number_is_one_where_a_log_names_it(tmp_path):
    text = "[ 1234.567890] NETDEV WATCHDOG: wan: transmit timed out\n"

    [event] = _scan(tmp_path / "dmesg.txt", text).events

    assert event.match.interface == "wan"


@pytest.mark.parametrize(("flat", "ids"), [
    (
        ("web7 kernel: e1000e 0000:00:1f.6 eth0: Detected Hardware Unit Hang: web7 kernel: TDH <0> "
        "web7 kernel: next_to_use <1> web7 kernel: e1000e 0000:00:1f.6 eth0: Reset adapter "
        "unexpectedly web7 kernel: vmbr0: port 1(eth0) entered disabled state\n"),
        ["hang", "begin"],
    ),
    (
        ("Nov 20 12:00:01 web7 kernel: e1000e 0000:00:1f.6 eth0: Detected Hardware Unit Hang: "
        "Nov 20 12:00:02 web7 kernel: e1000e 0000:00:1f.6 eth0: Reset adapter unexpectedly\n"),
        ["hang", "begin"],
    ),
    (
        ("e1000e 0000:01:00.0: eth1: Detected Hardware Unit Hang: TDH <36> TDT <36> "
        "PCI Status <10> ------------[ cut here ]------------ WARNING: at net/sched/x.c:255 "
        "NETDEV WATCHDOG: eth1 (e1000e): transmit queue 0 timed out Modules linked in: pppoe\n"),
        ["hang", "watchdog"],
    ),
    (
        ("e1000e 0000:00:1f.6 eth0: Reset adapter unexpectedlyNov 20 12:00:02 web7 kernel: "
        "e1000e 0000:00:1f.6 eth0: Detected Hardware Unit Hang:\n"),
        ["begin", "hang"],
    ),
])  # fmt: skip
def test_messages_whose_line_ends_were_lost_are_told_apart(tmp_path, flat, ids):
    kinds = {"reset_begin": "begin"}
    events = _scan(tmp_path / "flat.txt", flat).events

    assert [
        "watchdog" if e.match.message.driver == "netdev_watchdog"
        else kinds.get(e.match.message.role, "hang")
        for e in events
    ] == ids  # fmt: skip


@pytest.mark.parametrize(("name", "month"), [("f\ufffdvr.", 2), ("d\ufffdc.", 12), ("M\ufffdr", 3)])
def test_a_month_that_lost_a_letter_to_another_encoding_is_known(tmp_path, name, month):
    text = f"[ven. {name}  8 12:57:41 2026] igb 0000:01:00.0 eth0: Reset adapter\n"
    path = tmp_path / "dmesg.txt"
    path.write_bytes(text.replace("\ufffd", "\xe9").encode("latin-1"))

    [event] = scan_file(Source(path, str(path)), _DAY).events

    assert datetime.fromtimestamp(event.at_us / 1e6, UTC).date() == date(2026, month, 8)


def test_a_line_with_an_envelope_of_its_own_is_never_joined_to_the_one_before(tmp_path):
    text = (
        f"[   12.000000] {_DEVICE}TX q 5 is paused for too long (threshold 5000000).\n"
        "[   12.000001] Time since last napi 6596000 usec. napi scheduled: 1\n"
    )

    assert _of_incident(_scan(tmp_path / "log", text).events) == []


def test_two_writers_in_one_line_are_told_apart(tmp_path):
    text = (
        f"Startin[   12.000000] {_DEVICE}Trigger reset is on\ng Network Name Resolution...\n"
        f"[   13.000000] {_DEVICE}Trigger reset is on[  OK  ] Started x.\n"
        f"[   14.000000] s[   14.000100] {_DEVICE}Trigger reset is on\n"
    )

    events = _of_incident(_scan(tmp_path / "log", text).events)

    assert [event.monotonic_us for event in events] == [12_000_000, 13_000_000, 14_000_100]
    assert {event.text for event in events} == {_DEVICE + "Trigger reset is on"}


def test_a_program_that_quotes_the_kernel_does_not_speak_for_it(tmp_path):
    text = (
        f"Nov 20 12:00:01 h agent[7]: {_DEVICE}Trigger reset is on\n"
        f"Nov 20 12:00:01 h agent[7]: seen [   12.000000] {_DEVICE}Trigger reset is on\n"
        + json.dumps(_journal(_INCIDENT[5], _TRANSPORT="syslog", SYSLOG_IDENTIFIER="agent"))
        + "\n"
    )

    assert _of_incident(_scan(tmp_path / "log", text).events) == []


def test_year_of_an_inner_stamp_is_that_of_the_outer_one(tmp_path):
    line = json.dumps({
        "log": f"Dec 31 23:59:59 h kernel: {_DEVICE}Trigger reset is on\n",
        "time": "2021-01-01T00:00:05Z",
    })  # fmt: skip

    (event,) = _of_incident(_scan(tmp_path / "log", line + "\n").events)

    assert event.at_us == 1609459199000000


@pytest.mark.parametrize("name", [name for name, log in _LOGS.items() if log[1] is not None])
def test_the_ledger_counts_every_kind_of_log_whole_or_rotated_or_packed(tmp_path, name):
    text, *_ = _LOGS[name]
    raw = text if isinstance(text, bytes) else text.encode()
    whole, packed = tmp_path / "log", tmp_path / "log.gz"
    whole.write_bytes(raw)
    packed.write_bytes(gzip.compress(raw))
    tables = []
    for path in (whole, packed):
        ledger = Ledger(*day_bounds(date(2026, 11, 20)))
        scan_file(Source(path, path.name, "h1"), _DAY, ledger)
        tables.append(ledger.table(60, *day_bounds(date(2026, 11, 20))).to_pylist())

    lines = sum(row["lines"] for row in tables[0])
    assert tables[0] == tables[1]
    assert lines >= len(_INCIDENT)
    assert {row["hour_at"].hour for row in tables[0] if row["lines"]} <= {11, 12}


_ONE_LINE_PER_RECORD = ["rfc3339", "rfc5424", "short-unix", "short-full", "logread", "cri", "talos",
                        "journal json", "docker", "s3 export", "dmesg -T", "dmesg iso"]  # fmt: skip


@pytest.mark.parametrize("name", _ONE_LINE_PER_RECORD)
@pytest.mark.parametrize("cut", [1, 3, 6])
def test_rotation_does_not_change_the_ledger_whatever_the_envelope(tmp_path, name, cut):
    bounds = day_bounds(date(2026, 11, 20))
    lines = _LOGS[name][0].splitlines(keepends=True)
    tables = []
    for parts in ([lines], [lines[:cut], lines[cut:]]):
        ledger = Ledger(*bounds)
        for part in reversed(parts):
            path = tmp_path / "log"
            path.write_text("".join(part))
            scan_file(Source(path, "log", "h1"), _DAY, ledger)
        tables.append(ledger.table(60, *bounds).to_pylist())

    assert tables[0] == tables[1]
    assert sum(row["lines"] for row in tables[0]) == len(_INCIDENT)
    assert sum(row["kernel_lines"] for row in tables[0]) == len(_INCIDENT)


@given(st.binary(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("any") / "log"
    path.write_bytes(raw)

    ledger = Ledger(*day_bounds(date(2026, 11, 20)))
    scan_file(Source(path, "log", "h1"), _DAY, ledger)
    scan_file(Source(path, "log"), _DAY, ledger)


@given(
    st.sampled_from(sorted(_LOGS)), st.sampled_from(sorted(_LOGS)),
    st.lists(st.integers(0, 400), min_size=1, max_size=12), st.text(string.printable, max_size=9),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_cut_and_interleaved_writers_never_raise_and_texts_are_of_the_line(
    tmp_path_factory, one, other, cuts, dirt
):
    first, second = (log if isinstance(log := _LOGS[n][0], bytes) else log.encode()
                     for n in (one, other))  # fmt: skip
    mixed = b""
    for cut in cuts:
        mixed += first[:cut] + dirt.encode() + second[:cut]
        first, second = first[cut:], second[cut:]
    path = tmp_path_factory.mktemp("mixed") / "log"
    path.write_bytes(mixed)

    scanned = scan_file(Source(path, "log", "h1"), _DAY, Ledger(*day_bounds(date(2026, 11, 20))))

    letters = set(mixed.decode("utf-8", "replace"))
    for event in scanned.events:
        assert set(event.text) <= letters | set(map(chr, range(32, 127)))
        assert 1 <= event.line_number <= mixed.count(b"\n") + 1


def test_there_are_at_least_the_envelopes_that_are_promised():
    names = {envelope.name for envelope in load_envelopes()}

    assert {
        "rfc3164", "rfc3339", "rfc5424", "dmesg", "dmesg_ctime", "dmesg_iso", "dmesg_human",
        "dmesg_level", "dmesg_json", "kmsg", "journal_monotonic", "journal_unix", "journal_full",
        "journald_json", "logread", "talos", "cri", "netconsole", "fluentbit_kmsg", "cloudwatch",
        "ec2_console", "loki", "forwarded_json", "stamped", "bare",
    } <= names  # fmt: skip


def test_a_cut_document_gives_its_records_and_says_so(tmp_path):
    whole = (
        '{"dmesg": [\n'
        '  {"pri": 3, "time": 100.5, "msg": "ena 0000:00:05.0 eth0: Keep alive watchdog '
        'timeout."},\n'
        '  {"pri": 3, "time": 100.6, "msg": "ena 0000:00:05.0 eth0: Trigger reset is on"},\n'
        '  {"pri": 3, "time": 100.7, "msg": "ena 0000:00:05.0: De'
    )
    path = tmp_path / "dmesg.json"
    path.write_text(whole)

    found = find_episodes([path])

    assert [(r["kind"], r["lines"]) for r in found.records] == [("reset", 2)]
    assert "expected one JSON value" in found.rejects[0].reason
