"""Inventories: each form becomes rows of hosts, several become one row per host."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resetradar.hosts import FORMATS, Context, merge_hosts, parse_hosts
from resetradar.tables import HOSTS

SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "inventory"
FILES = {"ec2": SAMPLES / "ec2.json", "csv_table": SAMPLES / "hosts.csv"}


def parse(data, source="hosts"):
    parsed = parse_hosts(data, Context(source))
    assert parsed.rows.schema == HOSTS.schema
    return parsed


def rows(parsed):
    return [{**row, "attributes": dict(row["attributes"])} for row in parsed.rows.to_pylist()]


def instance(**fields):
    return {"InstanceId": "i-1", "PrivateDnsName": "h.internal", **fields}


def ec2(*instances):
    return json.dumps({"Reservations": [{"Instances": list(instances)}]}).encode()


def merged(*inventories, day=date(2026, 11, 25)):
    parts = [parse(data, f"source {i}") for i, data in enumerate(inventories)]
    return merge_hosts(parts, day)


def test_ec2_sample():
    """Two pages, three instances; the terminated one has lost its DNS name."""
    parsed = parse(FILES["ec2"].read_bytes())
    first, second, third = rows(parsed)
    assert parsed.rejects == []
    assert first == {
        **dict.fromkeys(HOSTS.schema.names),
        "host_id": "ip-10-20-1-17",
        "instance_id": "i-0a1b2c3d4e5f60017",
        "instance_type": "m6idn.16xlarge",
        "availability_zone": "us-east-1a",
        "availability_zone_id": "use1-az4",
        "ami_id": "ami-0aaa1111bbbb22223",
        "launched_at": datetime(2026, 11, 2, 8, 15, 30),
        "attributes": {"state": "running", "tag:Name": "trainer-17", "tag:pool": "training"},
    }
    assert second["host_id"] == "ip-10-20-1-18"
    assert (third["host_id"], third["attributes"]) == (
        "i-0a1b2c3d4e5f60019",
        {"state": "terminated"},
    )


def test_csv_sample():
    """Empty cells are null, unknown columns are attributes, times with an offset become UTC."""
    parsed = parse(FILES["csv_table"].read_bytes())
    first, second, third = rows(parsed)
    assert parsed.rejects == []
    assert (first["driver_version"], first["instance_type"]) == ("2.13.0g", None)
    assert first["attributes"] == {"rack": "row 3, rack 12"}
    assert (second["instance_type"], second["attributes"]) == ("c7i.4xlarge", {})
    assert third["launched_at"] == datetime(2026, 11, 5, 5, 0)


def test_samples_merge_to_one_row_per_host():
    """The second inventory fills gaps, never overrules, and its contradiction is reported."""
    merged = merge_hosts(
        [parse(path.read_bytes(), path.name) for path in FILES.values()], date(2026, 11, 25)
    )
    found = {row["host_id"]: row for row in rows(merged)}
    assert list(found) == ["i-0a1b2c3d4e5f60019", "ip-10-20-1-17", "ip-10-20-1-18", "ip-10-20-1-20"]
    first = found["ip-10-20-1-17"]
    assert (first["kernel"], first["ami_id"]) == (
        "6.1.112-124.190.amzn2023.x86_64",
        "ami-0aaa1111bbbb22223",
    )
    assert (first["instance_family"], first["region"]) == ("m6idn", "us-east-1")
    assert first["valid_from_at"] == first["launched_at"] == datetime(2026, 11, 2, 8, 15, 30)
    assert set(first["attributes"]) == {"state", "tag:Name", "tag:pool", "rack"}
    assert found["ip-10-20-1-18"]["instance_type"] == "c7i.8xlarge"
    assert found["ip-10-20-1-18"]["region"] == "us-west-2"
    assert found["ip-10-20-1-20"]["instance_family"] is None
    [reject] = merged.rejects
    assert (reject.source_path, reject.host_id) == ("hosts.csv", "ip-10-20-1-18")
    assert "expected c7i.8xlarge as stated before, found c7i.4xlarge" in reject.reason


def test_hosts_launched_after_the_day_are_left_out():
    """A host launched in the last second of the day belongs to it."""
    table = b"host_id,launched_at\nin,2026-11-25T23:59:59Z\nout,2026-11-26T00:00:00Z\nunknown,\n"
    assert [row["host_id"] for row in rows(merged(table))] == ["in", "unknown"]


def test_running_instance_owns_a_reused_name():
    """Private addresses are given again: the ended instance's image is not the running one's."""
    old = instance(InstanceId="i-old", ImageId="ami-1", State={"Name": "terminated"})
    new = instance(InstanceId="i-new", InstanceType="c7i.large", State={"Name": "running"})
    for order in ((old, new), (new, old)):
        found = merged(ec2(*order))
        [row] = rows(found)
        assert (row["instance_id"], row["ami_id"]) == ("i-new", None)
        assert ["found also i-old" in reject.reason for reject in found.rejects] == [True]


def test_instance_launched_last_owns_a_reused_name():
    """Only launches up to the day count."""
    launches = [
        instance(InstanceId=f"i-{day}", LaunchTime=f"2026-11-{day}T00:00:00Z")
        for day in (10, 20, 28)
    ]
    [row] = rows(merged(ec2(*launches)))
    assert row["instance_id"] == "i-20"


def test_order_of_inventories_is_the_order_of_trust():
    one, two = b"host_id,kernel,rack\na,6.1,r1\n", b"host_id,kernel,rack\na,5.10,r1\n"
    assert [rows(merged(*o))[0]["kernel"] for o in ((one, two), (two, one))] == ["6.1", "5.10"]
    assert [r.source_path for r in merged(one, two).rejects] == ["source 1"]


@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_ec2_query_output_is_read(shape):
    """--query prints lists instead of reservations."""
    found = [instance()] if shape == "flat" else [[instance()]]
    assert [row["host_id"] for row in rows(parse(json.dumps(found).encode()))] == ["h"]


def test_ec2_cut_page_keeps_the_pages_before():
    data = FILES["ec2"].read_bytes()
    parsed = parse(data[:-40])
    assert [row["host_id"] for row in rows(parsed)] == ["ip-10-20-1-17", "ip-10-20-1-18"]
    [reject] = parsed.rejects
    second_page = data.decode().splitlines().index("}") + 2
    assert (reject.line_number, "found it cut" in reject.reason) == (second_page, True)


def test_ec2_bad_fields_cost_themselves_only():
    """A wrong time is null with its line; an instance without an id is left out."""
    data = json.dumps(
        {"Reservations": [{"Instances": [instance(LaunchTime="soon"), {"ImageId": "ami-1"}, 7]}]},
        indent=1,
    ).encode()
    parsed = parse(data)
    assert [row["launched_at"] for row in rows(parsed)] == [None]
    assert [reject.reason.split(":")[0] for reject in parsed.rejects] == [
        "LaunchTime", "instance", "instance",
    ]  # fmt: skip
    assert parsed.rejects[0].line_number == 6


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiters_quotes_and_byte_order_mark(delimiter):
    line = delimiter.join
    header, row = line(["host_id", "rack", "ami_id"]), line(["a", f'"x{delimiter}y"', "ami-1"])
    [found] = rows(parse(f"\ufeff{header}\r\n{row}\r\n".encode()))
    assert (found["host_id"], found["ami_id"], found["attributes"]) == (
        "a", "ami-1", {"rack": f"x{delimiter}y"},
    )  # fmt: skip


def test_csv_bad_lines_are_rejects_with_their_line():
    """Lines are counted as an editor does, also below a cell of two lines."""
    table = b'host_id,rack,launched_at\na,"r\n1",\nb,r1\n,r1,\nc,r1,yesterday\n\nd,r1,,\ne,r2,\n'
    parsed = parse(table)
    assert [row["host_id"] for row in rows(parsed)] == ["a", "c", "e"]
    assert [(r.line_number, r.reason.split(":")[0]) for r in parsed.rejects] == [
        (4, "line"), (5, "host_id"), (6, "launched_at"), (8, "line"),
    ]  # fmt: skip


def test_csv_column_twice_is_refused():
    parsed = parse(b"host_id,rack,rack\na,1,2\n")
    assert parsed.rows.num_rows == 0
    assert ["found rack again" in reject.reason for reject in parsed.rejects] == [True]


def test_csv_endless_quote_is_a_reject():
    parsed = parse(b'host_id,rack\na,1\nb,"' + b"x" * 200_000)
    assert [row["host_id"] for row in rows(parsed)] == ["a"]
    assert [reject.line_number for reject in parsed.rejects] == [3]


@pytest.mark.parametrize(("data", "found"), [(b"", "empty"), (b"name,rack\na,1\n", "another")])
def test_unknown_inventory_names_the_known_ones(data, found):
    [reject] = parse(data).rejects
    assert "describe-instances" in reject.reason
    assert "host_id column" in reject.reason
    assert found in reject.reason


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.__name__.rpartition(".")[2])
def test_each_format_recognises_its_own_sample_only(form):
    name = form.__name__.rpartition(".")[2]
    assert [key for key, path in FILES.items() if form.recognise(path.read_bytes())] == [name]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Reservations", "Instances", "InstanceId", "PrivateDnsName", "Placement", "Tags",
                 "Key", "Value", "State", "Name", "LaunchTime", "InstanceType"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(noise):
    """Anything gives rows or rejects, in any place of either form."""
    for data in (noise, b'{"Reservations":' + noise + b"}", b"host_id,launched_at\n" + noise):
        parsed = parse(data)
        assert merge_hosts([parsed], date(2026, 11, 25)).rows.schema == HOSTS.schema
    for form in FORMATS:
        form.recognise(noise)
