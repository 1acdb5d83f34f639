"""Time: years that logs leave out, zones, and boots that print only their uptime."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from resetradar.clock import (
    BootAnchor,
    Calendar,
    Stamp,
    anchor_lines,
    day_bounds,
    day_of,
    infer_year,
    zone_offset_s,
)


def _us(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("month", "day", "near", "is_latest", "year"),
    [
        (12, 31, date(2027, 1, 1), True, 2026),
        (1, 1, date(2026, 12, 31), True, 2027),
        (1, 2, date(2026, 12, 31), True, 2026),
        (1, 2, date(2026, 12, 31), False, 2027),
        (11, 20, date(2026, 11, 20), True, 2026),
        (2, 29, date(2026, 3, 1), True, 2024),
        (2, 29, date(2028, 3, 1), True, 2028),
        (2, 31, date(2026, 3, 1), True, None),
    ],
)
def test_year_is_the_one_closest_to_the_date_that_is_known(month, day, near, is_latest, year):
    assert infer_year(month, day, near, is_latest=is_latest) == year


def test_a_stamp_without_zone_is_in_the_zone_of_its_clock():
    berlin = Calendar(date(2026, 7, 1), zone=ZoneInfo("Europe/Berlin"))

    assert berlin.instant(Stamp(None, 7, 1, 12, 0, 0)) == _us(2026, 7, 1, 10)
    assert berlin.instant(Stamp(None, 1, 1, 12, 0, 0)) == _us(2026, 1, 1, 11)


def test_a_stamp_with_offset_does_not_care_for_the_zone():
    tokyo = Calendar(date(2026, 7, 1), zone=ZoneInfo("Asia/Tokyo"))

    assert tokyo.instant(Stamp(2026, 7, 1, 0, 30, 0, 250, -5400)) == _us(2026, 7, 1, 2) + 250


@pytest.mark.parametrize("stamp", [
    Stamp(2026, 13, 1, 0, 0, 0), Stamp(2026, 2, 30, 0, 0, 0), Stamp(2026, 1, 1, 24, 0, 0),
    Stamp(2026, 1, 1, 0, 60, 0), Stamp(0, 1, 1, 0, 0, 0, 0, 0),
])  # fmt: skip
def test_an_impossible_stamp_is_no_instant(stamp):
    assert Calendar(date(2026, 1, 1)).instant(stamp) is None


def test_days_are_utc_days():
    first, last = day_bounds(date(2026, 11, 20))

    assert (first, last) == (_us(2026, 11, 20), _us(2026, 11, 21))
    assert day_of(first) == day_of(last - 1) == date(2026, 11, 20)


def _anchor(*lines):
    anchor = BootAnchor()
    for uptime_us, text in lines:
        for line in anchor_lines(text):
            anchor.learn(uptime_us, line)
    return anchor


def test_uptime_is_placed_by_lines_that_carry_both_clocks():
    anchor = _anchor(
        (0, b"Linux version 6.1"),
        (800_000, b"rtc_cmos 00:00: setting system clock to 2026-11-14T06:00:01 UTC (1794636001)"),
        (900_500_000, b"audit: type=1130 audit(1794636902.700:7): pid=1"),
    )

    assert anchor.instant(1_800_000) == 1794636002_000_000
    assert anchor.instant(901_500_000) == 1794636903_700_000


def test_time_in_suspend_is_added_from_the_line_that_states_it():
    anchor = _anchor(
        (
            1_000_000,
            b"rtc_cmos 00:00: setting system clock to 2026-11-14T06:00:01 UTC (1794636001)",
        ),
        (50_000_000, b"Timekeeping suspended for 3600.250 seconds"),
    )

    assert anchor.instant(49_000_000) == 1794636049_000_000
    assert anchor.instant(51_000_000) == 1794636051_000_000 + 3600_250_000


def test_time_in_suspend_alone_places_nothing():
    assert _anchor((1, b"Timekeeping suspended for 3.000 seconds")).instant(5) is None


@pytest.mark.parametrize(
    ("name", "hours"),
    [("UTC", 0), ("CET", 1), ("CEST", 2), ("EST", -5), ("ACST", 9.5), ("+0530", 5.5), ("-03", -3)],
)
def test_a_zone_that_names_one_offset_is_that_offset(name, hours):
    assert zone_offset_s(name) == hours * 3600


@pytest.mark.parametrize("name", ["CST", "IST", "BST", "XYZ", "+5", ""])
def test_a_zone_that_names_several_offsets_is_none(name):
    assert zone_offset_s(name) is None


def test_an_ambiguous_zone_is_trusted_only_where_it_is_the_zone_of_the_settings():
    stamp = Stamp(2026, 1, 5, 12, 0, 0, zone="CST")
    chicago = Calendar(date(2026, 1, 5), zone=ZoneInfo("America/Chicago"))
    berlin = Calendar(date(2026, 1, 5), zone=ZoneInfo("Europe/Berlin"))

    assert chicago.instant(stamp) == _us(2026, 1, 5, 18)
    assert chicago.error_s(stamp) == 1.0
    assert berlin.error_s(stamp) >= 12 * 3600


def test_uptime_without_such_a_line_has_no_wall_time():
    assert BootAnchor().instant(5) is None
