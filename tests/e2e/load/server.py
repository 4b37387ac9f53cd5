# SPDX-License-Identifier: Apache-2.0
"""The API server for many small requests: `kubectl proxy`, and kept connections to it. Any thread
may call; each thread has a connection of its own."""
import concurrent.futures
import http.client
import json
import subprocess
import threading
import urllib.parse

from plugin.report import Failed
from plugin.requests import Requests


class Server:
    def __init__(self, threads):
        self.threads = threads
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
        line = self.proxy.stdout.readline().split()
        if not line:
            raise Failed("kubectl proxy does not start: is KUBECONFIG set, and kubectl in PATH?")
        self.address = line[-1]
        self.local = threading.local()
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def close(self):
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.proxy.kill()
        self.proxy.wait()

    def ask(self, method, path, body=None, kind="application/json", accept=()):
        """One request; returns the answer's bytes. accept: HTTP codes of refusals that are fine."""
        data = None if body is None else json.dumps(body).encode()
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                host, port = self.address.rsplit(":", 1)
                connection = http.client.HTTPConnection(host, int(port), timeout=60)
                self.local.connection = connection
            try:
                connection.request(method, path, data, {"Content-Type": kind})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self.local.connection = None
                if attempt == 2:
                    raise Failed(f"{method} {path}: {error}") from error
        if answer.status >= 300 and answer.status not in accept:
            raise Failed(f"{method} {path}: HTTP {answer.status}: {text[:300]!r}")
        return text

    def get(self, path, **query):
        return json.loads(self.ask("GET", path + ("?" + urllib.parse.urlencode(query)
                                                  if query else "")))

    def label(self, namespace, pod, key, value):
        self.ask("PATCH", f"/api/v1/namespaces/{namespace}/pods/{pod}",
                 {"metadata": {"labels": {key: value}}}, "application/merge-patch+json")

    def each(self, call, things):
        """Calls in parallel, and raises what the first call that failed raised."""
        for done in [self.pool.submit(call, thing) for thing in things]:
            done.result()

    def requests(self):
        return Requests(self.ask("GET", "/metrics").decode())
