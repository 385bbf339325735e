"""A broker to be killed, which jobs and workers reach through proxies of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kafka_broker import Cluster
from tcp_proxy import Proxy

JOBS, WORKERS = "JOBS", "WORKERS"
"""The listeners behind proxies; the cluster's own is for those who look on."""


@dataclass
class Breakable:
    """The cluster, and by their listeners the proxies that clients go through."""

    cluster: Cluster
    proxies: dict[str, Proxy]

    def servers(self, listener: str) -> str:
        """Where clients of a listener begin; where there are no proxies, at the brokers themselves."""
        return self.cluster.servers(listener) if self.proxies else self.cluster.bootstrap

    def mend(self) -> None:
        """Have everything run again."""
        for proxy in self.proxies.values():
            proxy.mend()
        for index, node in enumerate(self.cluster.members):
            if node.process is None:
                self.cluster.start(index)


@contextlib.contextmanager
def breakable_broker(directory: Path) -> Iterator[Breakable]:
    """One broker; ended when the block ends."""
    proxies: dict[str, Proxy] = {}

    def advertise(listener: str, port: int) -> int:
        if listener not in (JOBS, WORKERS):
            return port
        proxies[listener] = Proxy(port)
        return proxies[listener].port

    with contextlib.ExitStack() as ending:
        cluster = Cluster(
            directory,
            properties={"message.max.bytes": str(64 << 20)},
            listeners={JOBS: "PLAINTEXT", WORKERS: "PLAINTEXT"},
            advertise=advertise,
        )
        ending.enter_context(cluster)
        for proxy in proxies.values():
            ending.enter_context(proxy)
        yield Breakable(cluster, proxies)
