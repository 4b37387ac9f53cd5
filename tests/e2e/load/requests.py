# SPDX-License-Identifier: Apache-2.0
"""What clients have asked of the API server, by the server's own metrics. It counts the requests of
all clients; kubectl's own `get`s would be among them, so nobody calls these while it is measured."""
RESOURCES = ("pods", "nodes", "namespaces")
# A WatchList is a WATCH for apiserver_request_total, which counts a watch when it ends; the
# histogram counts it when its initial events are complete.
TOTAL = "apiserver_request_total"
WATCH_LISTS = "apiserver_watch_list_duration_seconds_count"
DROPPED = "apiserver_terminated_watchers_total"


class Requests:
    """A reading of the counters. The difference of two of them is what happened between them."""

    def __init__(self, server):
        samples = server.samples((TOTAL, WATCH_LISTS, DROPPED))
        self.counts = {}
        for labels, value in samples[TOTAL]:
            if labels["verb"] in ("LIST", "WATCH") and not labels.get("subresource"):
                self.add(labels["resource"], labels["verb"], value)
        for labels, value in samples[WATCH_LISTS]:
            self.add(labels["resource"], "WatchList", value)
        for labels, value in samples[DROPPED]:
            self.add(labels["resource"], "dropped by the server", value)

    def add(self, resource, what, value):
        if resource in RESOURCES:
            key = (resource, what)
            self.counts[key] = self.counts.get(key, 0) + int(value)

    def of(self, resource, what):
        return self.counts.get((resource, what), 0)

    def since(self, before):
        later = Requests.__new__(Requests)
        later.counts = {k: v - before.counts.get(k, 0) for k, v in self.counts.items()}
        return later

    def lists(self):
        """Lists of either kind: what a relist shows as."""
        return sum(v for (_, what), v in self.counts.items() if what in ("LIST", "WatchList"))

    def __str__(self):
        return "; ".join(
            f"{resource}: " + ", ".join(f"{self.of(resource, what)} {what}" for what in
                                        ("LIST", "WatchList", "WATCH", "dropped by the server"))
            for resource in RESOURCES)
