# SPDX-License-Identifier: Apache-2.0
"""Whether our clients stream their lists (WatchList), by the API server's own counters."""
import os
import signal
import subprocess
import tempfile

from .pods import start
from .requests import Requests
from .specs import Specs, resource
from .trouble import delete_plugin_pods


def requests(setup):
    return Requests(setup.kube.run("get", "--raw", "/metrics"))


def compare(setup, who, before, resources):
    """Others' requests are counted too; but nobody else starts to follow these meanwhile."""
    def streamed():
        asked = requests(setup).since(before)
        good = all(asked.of(r, "WatchList") for r in resources)
        return [asked] if good else str(asked)
    asked = setup.kube.wait(f"WatchLists of {', '.join(resources)}", streamed)[0]
    setup.report.ok("watchlist", f"{who} streams its lists of {', '.join(resources)}: {asked}")


def watchlist(setup):
    if setup.kube.minor() < 34:  # 1.34 and later have it on by default
        setup.report.note("watchlist", "left out: needs Kubernetes 1.34")
        return
    # Of its node the plugin lists one object, which a stream would not make cheaper.
    specs = Specs(setup)
    start(setup, specs.pod("watchlist", [specs.ours("ours", [resource("main", "limits.cpu")])],
                           [specs.container({"/ours": "ours"})]))
    before = requests(setup)
    delete_plugin_pods(setup, "daemon", "downwardfs")
    compare(setup, "the plugin", before, ("pods",))
    setup.delete_pods("watchlist")

    program = setup.flags.downwardfs
    if not os.access(program, os.X_OK):
        setup.report.note("watchlist", f"the cluster mount left out: no program {program}")
        return
    before = requests(setup)
    with tempfile.TemporaryDirectory(prefix="downwardfs-e2e-") as directory:
        mount = subprocess.Popen([program, "mount", "--cluster", "--foreground", directory],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            compare(setup, "a cluster mount", before, ("pods", "nodes", "namespaces"))
        finally:
            mount.send_signal(signal.SIGTERM)
            said = mount.communicate(timeout=setup.flags.timeout)[1]
    setup.report.check("watchlist", mount.returncode == 0, "the cluster mount ends well", said)
