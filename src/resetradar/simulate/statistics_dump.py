"""The statistics that the driver prints between the begin and the done line of a reset."""

from collections import Counter
from collections.abc import Iterator, Sequence

from resetradar.simulate.incidents import Incident
from resetradar.simulate.plan import Host

# Driver counters and the release that brought them, in the order in which they are printed.
_GLOBALS: tuple[tuple[tuple[int, ...], str], ...] = (
    ((1, 1, 2), "tx_timeout suspend resume wd_expired interface_up interface_down admin_q_pause"),
    ((2, 8, 0), "reset_fail"),
    ((2, 10, 0), "total_resets bad_tx_req_id bad_rx_req_id bad_rx_desc_num missing_intr"),
    ((2, 10, 0), "suspected_poll_starvation missing_tx_cmpl rx_desc_malformed tx_desc_malformed"),
    ((2, 10, 0), "invalid_state os_netdev_wd"),
    ((2, 11, 0), "missing_admin_interrupt admin_to"),
    ((2, 12, 0), "device_request_reset"),
    ((2, 13, 0), "missing_first_intr"),
)
_TX = (
    *("cnt", "bytes", "queue_stop", "queue_wakeup", "dma_mapping_err", "linearize"),
    *("linearize_failed", "napi_comp", "tx_poll", "doorbells", "prepare_ctx_err", "bad_req_id"),
    *("llq_buffer_copy", "missed_tx", "unmask_interrupt"),
)
_RX = (
    *("cnt", "bytes", "rx_copybreak_pkt", "csum_good", "refil_partial", "csum_bad"),
    *("page_alloc_fail", "skb_alloc_fail", "dma_mapping_err", "bad_desc_num", "bad_req_id"),
    *("empty_rx_ring", "csum_unchecked", "xdp_aborted", "xdp_drop", "xdp_pass", "xdp_tx"),
    *("xdp_invalid", "xdp_redirect", "lpc_warm_up", "lpc_full", "lpc_wrong_numa"),
)
_ADMIN = ("aborted_cmd", "submitted_cmd", "completed_cmd", "out_of_space", "no_completion")
_COUNTER_OF_REASON = {
    "SUSPECTED_POLL_STARVATION": "suspected_poll_starvation",
    "OS_NETDEV_WD": "os_netdev_wd",
    "MISS_TX_CMPL": "missing_tx_cmpl",
    "MISS_INTERRUPT": "missing_intr",
    "DEVICE_REQUEST": "device_request_reset",
    "KEEP_ALIVE_TO": "wd_expired",
}


def dump(host: Host, incident: Incident, counters: Counter[str]) -> Iterator[str]:
    """Lines ``counter: value`` of one reset; counts the reset first, as the driver does.

    From 2.14.0 the queues are summed up; before, every queue prints all of its counters. A planned
    refresh prints no statistics.
    """
    _count(incident, counters)
    if incident.path == "refresh":
        return
    for since, names in _GLOBALS:
        if host.version >= since:
            for name in names.split():
                yield f"{name}: {counters[name]}"
    if host.version >= (2, 14, 0):
        if host.version >= (2, 17, 0):
            yield f"num_of_active_io_queues: {host.queues}"
        yield from _queue(counters, "total_tx_", _TX)
        yield from _queue(counters, "total_rx_", _RX)
        for queue in range(host.queues):
            yield from _queue(counters, f"queue_{queue}_tx_", ("cnt", "missed_tx"))
            yield from _queue(counters, f"queue_{queue}_rx_", ("cnt",))
    else:
        for queue in range(host.queues):
            yield from _queue(counters, f"queue_{queue}_tx_", _TX)
            yield from _queue(counters, f"queue_{queue}_rx_", _RX)
    for name in _ADMIN:
        yield f"ena_admin_q_{name}: {52 if name in _ADMIN[1:3] else 0}"


def _count(incident: Incident, counters: Counter[str]) -> None:
    resets = counters["total_resets"]
    counters["interface_up"] = resets + 1
    counters["interface_down"] = resets
    counters["total_resets"] += 1
    if incident.reset_reason in _COUNTER_OF_REASON:
        counters[_COUNTER_OF_REASON[incident.reset_reason]] += 1
    if incident.path in {"starved_queue", "stopped_queue"}:
        counters["tx_timeout"] += 1
    if incident.path in {"late_completion", "lost_interrupt", "starved_completion"}:
        counters[f"queue_{incident.queue}_tx_missed_tx"] += 33
        counters["total_tx_missed_tx"] += 33


def _queue(counters: Counter[str], prefix: str, names: Sequence[str]) -> Iterator[str]:
    resets = counters["total_resets"]
    for name in names:
        is_busy = name in {"cnt", "bytes", "napi_comp", "tx_poll", "doorbells", "csum_good"}
        value = resets * 48_000 if is_busy else counters[prefix + name]
        yield f"{prefix}{name}: {value}"
