"""The file that facts come in: raw files and outputs of a host, each below a header line.

A header is ``# <seconds since 1970> <path or command>``, for example
``# 1795000000 /proc/interrupts``. What follows, up to the next header, is the content unchanged. So
a shell loop of ``date +%s`` and ``cat`` writes it, and nothing has to be installed on the host.
"""

import re

from resetradar.facts._contract import Section
from resetradar.files import Reject

# /proc/cgroups begins with "#subsys_name": without a space it is no header.
_HEADER = re.compile(r"# (\d{9,10})(?:\.(\d{1,6})\d*)? ([^\s].*)")
_LONGEST_NAME = 200


def split_sections(data: bytes, source: str, host_id: str) -> tuple[list[Section], list[Reject]]:
    """Sections of a file in file order, and what stands above the first header.

    Args:
        data: The file, decompressed.
        source: Name of the file, for ``source_path`` columns.
        host_id: Host that the path names.
    """
    sections: list[Section] = []
    head: re.Match[str] | None = None
    head_line, body, stray = 0, list[str](), list[str]()
    lines = data.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if found := _HEADER.fullmatch(line):
            if head:
                sections.append(_section(head, head_line, body, source, host_id))
            head, head_line, body = found, number, []
        elif head:
            body.append(line)
        elif line.strip():
            stray.append(line)
    if head:
        sections.append(_section(head, head_line, body, source, host_id))
    rejects = []
    if stray or head is None:
        found_text = "text without one" if stray else "an empty file"
        reason = f"facts: expected a header '# <seconds> <path or command>', found {found_text}"
        rejects.append(Reject(source, 1, reason, "".join(stray[:1])[:80], host_id))
    return sections, rejects


def _section(
    head: re.Match[str], line_number: int, body: list[str], source: str, host_id: str
) -> Section:
    at_us = int(head[1]) * 1_000_000 + int((head[2] or "0").ljust(6, "0"))
    name = head[3].strip()[:_LONGEST_NAME]
    return Section(host_id, name, at_us, "\n".join(body), source, line_number)
