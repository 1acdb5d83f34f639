"""Time: years that logs leave out, zones, and boots that print only their uptime."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from resetradar.clock import BootAnchor, Calendar, Stamp, day_bounds, day_of, infer_year


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


def test_uptime_is_placed_by_lines_that_carry_both_clocks():
    anchor = BootAnchor()
    anchor.learn(
        b"[    0.000000] Linux version 6.1\n"
        b"[    0.800000] rtc_cmos 00:00: setting system clock to 2026-11-14T06:00:01 UTC"
        b" (1794636001)\n"
        b"[  900.500000] audit: type=1130 audit(1794636902.700:7): pid=1\n"
    )

    assert anchor.instant(1_800_000) == 1794636002_000_000
    assert anchor.instant(901_500_000) == 1794636903_700_000


def test_uptime_without_such_a_line_has_no_wall_time():
    assert BootAnchor().instant(5) is None
