# SPDX-License-Identifier: Apache-2.0
"""Changes of labels, and when each shows."""
import itertools
import statistics
import threading
import time

from .crowd import FIELD


class Seen:
    """Looks at each file that a change is to reach until it shows it, in a thread of its own. Of
    two changes of one pod the later one counts: a file shows the newest."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = {}  # (reader, pod): (value, when it was asked for)
        self.latencies = []
        self.last = None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look, name="seen", daemon=True)
        self.thread.start()

    def expect(self, reader, pod, value, asked):
        with self.lock:
            self.waiting[(reader, pod)] = (value, asked)

    def look(self):
        while not self.done.wait(0.01):
            with self.lock:
                waiting = list(self.waiting.items())
            for (reader, pod), (value, asked) in waiting:
                if reader(pod) < value:
                    continue
                now = time.monotonic()
                self.latencies.append(now - asked)
                self.last = now
                with self.lock:
                    if self.waiting.get((reader, pod)) == (value, asked):
                        del self.waiting[(reader, pod)]

    def wait(self, patience):
        """Waits until all have shown, or for so many seconds; returns how many have not."""
        end = time.monotonic() + patience
        while self.waiting and time.monotonic() < end:
            time.sleep(0.01)
        self.done.set()
        self.thread.join()
        return len(self.waiting)

    def __str__(self):
        if not self.latencies:
            return "nothing was seen"
        ordered = sorted(self.latencies)
        return (f"{len(ordered)} seen; after the request was sent: median "
                f"{statistics.median(ordered) * 1000:.0f} ms, 99 % "
                f"{ordered[int(len(ordered) * 0.99) - 1] * 1000:.0f} ms, "
                f"last {ordered[-1] * 1000:.0f} ms")


class Changer:
    """Changes pods in turn: every fourth change goes to a pod on the node."""

    def __init__(self, server, crowd, mount, plugin):
        self.server, self.crowd, self.mount, self.plugin = server, crowd, mount, plugin
        # A run with pods that are there already goes on with greater numbers.
        self.numbers = itertools.count(int(time.time()))
        gated = itertools.cycle(crowd.gated)
        node = itertools.cycle(sorted(crowd.node_pods)) if crowd.node_pods else None
        self.targets = (next(node) if node and i % 4 == 3 else next(gated)
                        for i in itertools.count())

    def send(self, seen, change):
        pod, value = change
        asked = time.monotonic()
        self.server.label(self.crowd.namespace, pod, FIELD, str(value))
        # Only now: before it, an older change of the same pod may still be the one to be seen.
        if self.mount:
            seen.expect(self.mount.value, pod, value, asked)
        if self.plugin and pod in self.crowd.node_pods:
            seen.expect(self.plugin.value, pod, value, asked)

    def next_change(self):
        return next(self.targets), next(self.numbers)

    def burst(self, count, patience):
        """As fast as the server takes them. Returns (seen, not shown, seconds until the last was
        answered, seconds from then until the last showed)."""
        seen = Seen()
        began = time.monotonic()
        self.server.each(lambda change: self.send(seen, change),
                         [self.next_change() for _ in range(count)])
        answered = time.monotonic()
        missing = seen.wait(patience)
        return seen, missing, answered - began, max(0.0, (seen.last or answered) - answered)

    def stream(self, rate, seconds, patience, go_on=lambda: True):
        """So many a second. Returns (seen, not shown, how many were made)."""
        seen = Seen()
        began = time.monotonic()
        pending, made = [], 0
        while (due := began + made / rate) < began + seconds and go_on():
            time.sleep(max(0.0, due - time.monotonic()))
            pending.append(self.server.pool.submit(self.send, seen, self.next_change()))
            made += 1
            while pending and pending[0].done():
                pending.pop(0).result()
        for one in pending:
            one.result()
        return seen, seen.wait(patience), made
