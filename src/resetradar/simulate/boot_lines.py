"""What the kernel prints when a host boots, and when an administrator changes a device."""

from collections.abc import Iterator
from datetime import UTC, datetime

from resetradar.simulate.incidents import Boot
from resetradar.simulate.kernel_lines import (
    INFO,
    NOTICE,
    Line,
    device_prefix,
    kernel,
    net_prefix,
    version_lines,
)
from resetradar.simulate.plan import Host


def boot_lines(host: Host, boot: Boot) -> Iterator[Line]:
    """The first lines of a boot: kernel banner, clock, block and network devices."""
    at, release = boot.started_us, host.image.kernel
    yield kernel(at, NOTICE, f"Linux version {release} (build@builder) (gcc) #1 SMP")
    yield kernel(
        at, INFO, "Command line: BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p1 console=ttyS0 quiet"
    )
    yield kernel(at + 310_000, INFO, f"smpboot: Allowing {host.vcpus} CPUs, 0 hotplug CPUs")
    yield from _clock_line(at + 1_204_511)
    yield kernel(
        at + 1_900_000, INFO, "EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode"
    )
    device = device_prefix(host)
    if host.driver != "ena":
        text = "firmware version: 22.36.1010"
        yield kernel(at + 2_700_000, INFO, device + text)
    else:
        banner = f"Elastic Network Adapter (ENA) v{host.driver_version}g"
        yield kernel(at + 2_700_000, INFO, device + banner)
        yield from version_lines(host, at + 2_702_000)
        found = "Elastic Network Adapter (ENA) found at mem 83000000, mac addr 0a:1b:2c:3d:4e:5f"
        yield kernel(at + 2_720_000, INFO, device + found)
    text = f"IPv6: ADDRCONF(NETDEV_CHANGE): {host.interface}: link becomes ready"
    yield kernel(at + 6_800_000, INFO, text)


def _clock_line(at: int) -> Iterator[Line]:
    # The hardware clock has whole seconds only.
    stamp = f"{_iso_second(at)} UTC ({at // 1_000_000})"
    yield kernel(at, INFO, f"rtc_cmos 00:00: setting system clock to {stamp}")


def _iso_second(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us // 1_000_000, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def reconfiguration_lines(host: Host, at: int) -> Iterator[Line]:
    """What a change of the queue count by an administrator prints: no reset."""
    yield kernel(
        at,
        NOTICE,
        f"{net_prefix(host)}Free uncompleted tx skb qid 0, idx 0x3, 4 msecs since submission",
    )
    yield from version_lines(host, at + 900)
