"""Envelopes: each takes its own lines and no other's, whatever the bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.envelopes import CATCH_ALL, decode, detect, load_envelopes, parse_line

_ENVELOPES = load_envelopes()
_NAMED = [envelope for envelope in _ENVELOPES if envelope.name != "bare"]
_SAMPLES = [(envelope, *sample) for envelope in _ENVELOPES for sample in envelope.samples]


@pytest.mark.parametrize(("envelope", "line", "expected"), _SAMPLES)
def test_sample_is_parsed_as_stated(envelope, line, expected):
    record = envelope.parse(line)

    assert {name: getattr(record, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("envelope", "line"), [(e, line) for e in _ENVELOPES for line in e.not_samples]
)
def test_line_of_another_form_is_not_taken(envelope, line):
    assert envelope.parse(line) is None


@pytest.mark.parametrize(("owner", "line", "_expected"), _SAMPLES)
def test_no_two_envelopes_claim_a_sample_before_its_owner(owner, line, _expected):
    first = next(envelope for envelope in _ENVELOPES if envelope.parse(line) is not None)

    assert first.name == owner.name


@pytest.mark.parametrize(("owner", "line", "_expected"), _SAMPLES)
def test_a_file_of_one_form_does_not_read_lines_of_another_as_its_own(owner, line, _expected):
    takers = {e.name for e in _NAMED if e.priority < CATCH_ALL and e.parse(line) is not None}

    assert takers <= {owner.name}


@pytest.mark.parametrize("line", [line for _, line, _ in _SAMPLES])
def test_a_line_is_read_alike_whatever_the_rest_of_its_file_is(line):
    records = [parse_line(line, envelope) for envelope in _ENVELOPES]

    assert all(record == records[0] for record in records)


@pytest.mark.parametrize("envelope", _NAMED)
def test_a_file_of_samples_is_recognised(envelope):
    head = "\n".join([line for line, _ in envelope.samples] * 3).encode()

    assert detect(head).name == envelope.name


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_some_record(raw):
    for envelope in _ENVELOPES:
        assert parse_line(decode(raw), envelope).text is not None


@given(st.sampled_from([line for _, line, _ in _SAMPLES]), st.integers(0, 200), st.text(max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_cut_or_dirty_line_never_raises(line, cut, dirt):
    for envelope in _ENVELOPES:
        parse_line(line[:cut] + dirt, envelope)
        parse_line(dirt + line[cut:], envelope)


_PLAIN = [line for _, line, _ in _SAMPLES if line.isascii() and not set(line) & set("#&{\\^\x1b")]


@given(st.sampled_from(_PLAIN), st.sampled_from(_PLAIN), st.integers(0, 80), st.integers(0, 80))
@settings(max_examples=300, deadline=None)
def test_the_text_of_a_record_is_a_part_of_the_line(one, other, head, tail):
    """Two writers to one line, cut anywhere: nothing is made up."""
    line = one[:head] + other[tail:]

    for envelope in _ENVELOPES:
        assert parse_line(line, envelope).text in line


def test_a_line_within_lines_without_end_is_read_to_a_bounded_depth():
    line = "2026-11-20T12:00:01Z stdout F " * 10_000 + "ena: x"

    assert parse_line(line, _ENVELOPES[0]).text.endswith("ena: x")
