"""The lease, and the key whose repetitions renew it."""

from __future__ import annotations

import time

from hairpin.edge.lease import DeadMansKey, Lease


def test_a_lease_counts_from_when_the_person_was_there() -> None:
    lease = Lease(0.25)
    lease.renew(0.0)  # long ago
    assert not lease.valid()
    lease.renew(1e12)  # nobody was there in the future
    assert lease.valid()
    assert lease._until < 1e9


def test_the_dead_mans_key_needs_repetitions_and_a_release() -> None:
    lease = Lease(0.05)
    key = DeadMansKey(lease)
    assert [key.pressed() for _ in range(3)] == [False, True, False]
    time.sleep(0.1)
    assert not lease.valid()
    assert [key.pressed() for _ in range(2)] == [False, True]
