"""What terminals, mail, editors and people put around a log line, taken off."""

import html
import re
from collections.abc import Iterator

_ESCAPES = re.compile(r"(?:\x1b|\^\[)(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]{0,200}\x07)")
_UNPRINTED = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0xFEFF, 0x200B])
_TYPESET = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
                          "\u2013": "-", "\u00a0": " "})  # fmt: skip
# Mail quotes, Markdown, wiki tables, bullets.
_BEFORE = re.compile(r"(?:[\s>|\ufffd]|`+|\*\*?(?=\S)|[*+\u2022-]\s)+")
_AFTER = re.compile(r"(?:\s|`+|\*\*|\|)+$")
_LINE_NUMBER = re.compile(r"\d{1,7}(?:[:|.)\t]\s?|\s+)(?=[A-Za-z\[<{])", re.ASCII)
_STAMP = re.compile(
    r"\[\s*\d{1,10}\.\d{6}\]|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"
    r"|(?<![A-Za-z0-9])[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|<\d{1,3}>\[",
    re.ASCII,
)
_MAX_BEFORE_STAMP = 160
# Readers of /dev/kmsg append the device that the kernel tags a record with.
_TAGS = re.compile(r" SUBSYSTEM=\S+(?: DEVICE=\S+)?\s*$")
# Stands for a lost line end; `printable` leaves none in a text.
_BREAK = "\x1e"
# The kernel's line of syslog right behind a letter: two lines were written as one.
_GLUED = re.compile(r"(?<=[a-z0-9.)])(?=[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,64} kernel: )")
# Rows of a warning that stands in one line with all of its rows.
_FLAT_TRACE = re.compile(r"\s(?=TDH +<|-{12}\[ cut here|Modules linked in:)|(?=NETDEV WATCHDOG: )")
# A kernel stamp or a state of systemd in mid-line: another writer cut in.
_CUT = re.compile(
    r"(?<!^)(?=\[\s*\d{1,10}\.\d{6}\](?:\s|\[)|\[(?:  OK  |FAILED|DEPEND| INFO | WARN | TIME )\] )"
)


def printable(text: str) -> str:
    """The text without colours and control characters; tabs and line ends stay."""
    if text.isprintable():
        return text
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text.translate(_UNPRINTED)


def as_printed(text: str) -> str:
    """The text as the kernel wrote it: without typeset punctuation, HTML escapes and tags of kmsg.

    What `printable` takes off is off, too.
    """
    text = printable(text)
    if not text.isascii():
        text = text.translate(_TYPESET)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    return _TAGS.sub("", text) if " SUBSYSTEM=" in text else text


def clean(line: str) -> str:
    """The line without colours, quote marks, list marks, markup and typeset punctuation."""
    text = as_printed(_ESCAPES.sub("", line) if "^[" in line else line)
    before = _BEFORE.match(text)
    return _AFTER.sub("", text[before.end() :] if before else text)


def without_number(text: str) -> str:
    """The text without the line number of an editor before it."""
    number = _LINE_NUMBER.match(text)
    return text[number.end() :] if number else text


def undecorated(line: str) -> Iterator[str]:
    """Forms of a line that an envelope may take when it does not take the line as it is."""
    text = clean(line)
    if text != line:
        yield text
    numbered = without_number(text)
    if numbered != text:
        yield numbered
    # grep, compose and console servers print file, service or port before the line.
    stamp = _STAMP.search(text, 0, _MAX_BEFORE_STAMP)
    if stamp is not None and stamp.start():
        yield text[stamp.start() :]


def split_messages(text: str, host: str | None) -> list[str]:
    """The text cut where another writer to the same console cut in, or where line ends were lost.

    Args:
        text: Message of a line.
        host: Host that the line states; where it says that the kernel speaks, a line began.
    """
    if "[" not in text and " kernel: " not in text:
        return [text]
    if " kernel: " in text:
        text = _GLUED.sub(_BREAK, text)
        if host is not None:
            header = rf"\s((?:(?:{_STAMP.pattern})\S*\s+)?{re.escape(host)} kernel: )"
            text = re.sub(header, rf"{_BREAK}\1", text)
    if "[ cut here ]" in text:
        text = _FLAT_TRACE.sub(_BREAK, text)
    return [part for row in text.split(_BREAK) for part in _CUT.split(row)]
