# SPDX-License-Identifier: Apache-2.0
"""The requests of clients to the API server, by the server's own metrics. These count the requests
of all clients: start none while they are measured. Requests within one namespace are left out:
neither the plugin nor a mount of the whole cluster makes them, but people's kubectl does."""
import re

SAMPLE = re.compile(r'^(\w+)\{(.*)\} ([0-9.e+-]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
RESOURCES = ("pods", "nodes", "namespaces")
# A WatchList is a WATCH for apiserver_request_total, which counts a watch when it ends; the
# histogram counts it when its initial events are complete.
TOTAL = "apiserver_request_total"
WATCH_LISTS = "apiserver_watch_list_duration_seconds_count"
DROPPED = "apiserver_terminated_watchers_total"


class Requests:
    """A reading of the counters. The difference of two of them is what happened between them."""

    def __init__(self, metrics):
        """metrics: what the server's /metrics answers."""
        self.counts = {}
        for line in metrics.splitlines():
            if not (match := SAMPLE.match(line)):
                continue
            labels, value = dict(LABEL.findall(match[2])), float(match[3])
            if labels.get("scope") == "namespace":
                continue
            if match[1] == WATCH_LISTS:
                self.add(labels["resource"], "WatchList", value)
            elif match[1] == DROPPED:
                self.add(labels["resource"], "dropped by the server", value)
            elif match[1] == TOTAL and labels["verb"] in ("LIST", "WATCH") and not labels.get(
                    "subresource"):
                self.add(labels["resource"], labels["verb"], value)

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
