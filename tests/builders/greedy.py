"""Readers that use too much, for the limits to stop: a process of its own finds them here by name."""

import os
import resource
import time
from collections.abc import Callable


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def grow() -> int:
    return len(bytearray(4 * 10**9))


def grow_slowly() -> None:
    held = []
    while True:
        held.append(bytearray(10**7))


def die() -> None:
    os._exit(3)


def unlimited(function: Callable[[], None]) -> None:
    """The function without the limits of the system, as on a system that has none."""
    for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.getrlimit(limit)[1]))
    function()
