"""Envelopes: each takes its own lines and no other's, whatever the bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.envelopes import decode, detect, load_envelopes, parse_line

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
