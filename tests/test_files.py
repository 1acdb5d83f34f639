"""Input files: found by template, opened by content, damage told and never raised."""

import gzip
import lzma
from datetime import date
from pathlib import Path

import pytest
import zstandard

from resetradar.blocks import blocks
from resetradar.errors import InputError
from resetradar.files import Source, Stream, find, read_bounded

_TEXT = b"".join(b"line %d of a kernel log\n" % number for number in range(50_000))


def _stream(path):
    stream = Stream(Source(path, path.name))
    return b"".join(stream.pieces()), stream.damage


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress, lzma.compress])
def test_content_is_read_whatever_the_name_says(tmp_path, pack):
    path = tmp_path / "kern.log.3.gz"
    path.write_bytes(pack(_TEXT))

    assert _stream(path) == (_TEXT, None)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lzma.compress])
def test_appended_members_are_read_on(tmp_path, pack):
    path = tmp_path / "kern.log"
    path.write_bytes(pack(_TEXT) + pack(b"and more\n"))

    assert _stream(path) == (_TEXT + b"and more\n", None)


def test_nul_padding_after_gzip_is_no_damage(tmp_path):
    path = tmp_path / "kern.log.gz"
    path.write_bytes(gzip.compress(_TEXT) + bytes(512))

    assert _stream(path) == (_TEXT, None)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lzma.compress])
def test_a_cut_file_gives_what_came_before_and_says_so(tmp_path, pack):
    path = tmp_path / "kern.log"
    packed = pack(_TEXT)
    path.write_bytes(packed[: len(packed) * 3 // 4])

    data, damage = _stream(path)

    assert _TEXT.startswith(data)
    assert "it was cut" in damage


def test_a_corrupt_gzip_gives_its_beginning_and_says_so(tmp_path):
    path = tmp_path / "kern.log.gz"
    packed = bytearray(gzip.compress(_TEXT))
    packed[len(packed) // 2] ^= 0x55
    path.write_bytes(packed)

    data, damage = _stream(path)

    assert data[:1000] == _TEXT[:1000]
    assert "expected valid data" in damage


def test_a_decompression_bomb_is_stopped(tmp_path):
    path = tmp_path / "kern.log.zst"
    path.write_bytes(zstandard.compress(bytes(1 << 30)))
    stream = Stream(Source(path, path.name))

    assert sum(len(piece) for piece in stream.pieces()) < 1 << 29
    assert "expected at most 1000 times the packed size" in stream.damage


def test_an_unreadable_file_is_damage_not_a_crash(tmp_path):
    data, rejects = read_bounded(Source(tmp_path / "gone", "gone", "h1"))

    assert data == b""
    assert [(r.source_path, r.host_id) for r in rejects] == [("gone", "h1")]
    assert "No such file" in rejects[0].reason


def test_read_bounded_stops_at_its_limit(tmp_path):
    path = tmp_path / "big.json"
    path.write_bytes(_TEXT)

    data, rejects = read_bounded(Source(path, "big.json"), limit=1000)

    assert data == _TEXT[:1000]
    assert "expected at most 1000 bytes" in rejects[0].reason


def test_blocks_are_whole_lines_with_their_numbers(tmp_path):
    path = tmp_path / "kern.log"
    text = b"".join(b"%07d " % number + b"x" * 100 + b"\n" for number in range(40_000)) + b"cut"
    path.write_bytes(text)

    found = list(blocks(Stream(Source(path, "kern.log"))))

    assert len(found) > 2
    assert b"".join(block.data for block in found) == text
    for block in found[:-1]:
        assert int(block.data[:7]) == block.first_line - 1
    assert found[-1].data.endswith(b"cut")


def test_a_line_without_end_does_not_grow_without_bound(tmp_path):
    path = tmp_path / "kern.log"
    path.write_bytes(b"x" * (20 << 20) + b"\nlast\n")

    found = list(blocks(Stream(Source(path, "kern.log"))))

    assert max(len(block.data) for block in found) <= 6 << 20
    assert found[-1].data.endswith(b"last\n")


def test_templates_name_the_host_and_the_day(tmp_path):
    for name in ("h1/2026-11-20.log", "h1/2026-11-21.log", "h2.example/2026-11-20.log", "x.log"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")

    of_day = find(tmp_path, ["logs/{host_id}/{day}.log"], day=date(2026, 11, 20))
    of_all = find(tmp_path, ["logs/{host_id}/*.log", "logs/*.log", "logs/{host_id}/{day}.log"])

    assert [(s.host_id, s.name) for s in of_day] == [
        ("h1", "logs/h1/2026-11-20.log"),
        ("h2.example", "logs/h2.example/2026-11-20.log"),
    ]
    assert [s.host_id for s in of_all] == ["h1", "h1", "h2.example", None]


def test_host_may_be_a_part_of_a_name_and_templates_may_be_absolute(tmp_path):
    (tmp_path / "kern-h7.log.1").write_text("x")

    found = find(Path("/"), [str(tmp_path / "kern-{host_id}.log*")])

    assert [s.host_id for s in found] == ["h7"]


def test_an_unknown_placeholder_is_named():
    with pytest.raises(InputError, match=r"\{hostname\}"):
        find(Path(), ["logs/{hostname}/kern.log"])


def test_flaws_of_the_text_are_told_with_their_line(tmp_path):
    path = tmp_path / "kern.log"
    path.write_bytes(b"good\nwith \0\0 nuls\ngood\nbad \xff byte\nhalf a li")

    (block,) = blocks(Stream(Source(path, "kern.log")))

    assert block.data == b"good\nwith  nuls\ngood\nbad \xff byte\nhalf a li"
    assert [(f.line_number, f.reason.partition(",")[0]) for f in block.flaws] == [
        (2, "text: expected none"),
        (4, "text: expected UTF-8"),
        (5, "last line: expected a line end"),
    ]
