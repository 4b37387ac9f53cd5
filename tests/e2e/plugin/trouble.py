# SPDX-License-Identifier: Apache-2.0
"""Steps in which something goes wrong: wrong volumes, missing rights, deaths and restarts."""
import os
import signal
import subprocess
import time

from .pods import label, last_event, read, shows, start
from .report import Failed
from .setup import NAMESPACE
from .specs import Specs, field

LABELS = [field("labels", "metadata.labels")]

# Reads in a loop and notes what fails, and how often it has read.
READ_LOOP = r"""
n=0
while :; do
  for f in /ours/labels /ours/..data/name /live; do
    cat $f >/dev/null 2>>/tmp/errors || echo "failed: $f" >>/tmp/errors
  done
  ls /ours/ >/dev/null 2>>/tmp/errors || echo failed: ls >>/tmp/errors
  n=$((n + 1)); echo $n >/tmp/rounds.new && mv /tmp/rounds.new /tmp/rounds
done
"""


def wrong(setup):
    """Volumes that cannot be: the pod's events say what is wrong, and the pod can be deleted."""
    specs, kube = Specs(setup), setup.kube
    volumes = {
        "attribute": (specs.ours("ours", LABELS, colour="red"), "colour"),
        "path": (specs.ours("ours", [field("../labels", "metadata.labels")]), "../labels"),
        "field": (specs.ours("ours", [field("x", "metadata.labels['app")]), "metadata.labels['app"),
        "container": (specs.ours("ours", [{"path": "cpu", "resourceFieldRef": {
            "containerName": "nobody", "resource": "limits.cpu"}}]), "nobody"),
        "layout": (specs.ours("ours", LABELS, layout="round"), "round"),
        "mode": (specs.ours("ours", LABELS, defaultMode="01777"), "defaultMode"),
    }
    kube.apply([specs.pod(f"wrong-{name}", [volume], [specs.container({"/ours": "ours"})])
                for name, (volume, _) in volumes.items()])
    for name, (_, word) in volumes.items():
        def message(name=name, word=word):
            text = last_event(setup, f"wrong-{name}")
            return [text] if word in text else f"last event: {text}"
        try:
            said = kube.wait(f"an event that says {word!r}", message, every=1)[0]
            setup.report.ok("wrong", f"{name}: {said}")
        except Failed as error:
            setup.report.fail("wrong", f"{name}: {error}")
    setup.delete_pods(*[f"wrong-{name}" for name in volumes])


def node(setup):
    """The node's labels are shown only if the pod's own ServiceAccount may read the node."""
    specs, kube = Specs(setup), setup.kube
    items = [field("node", "node.metadata.labels")]
    kube.apply([specs.pod("node", [specs.ours("ours", items)],
                          [specs.container({"/ours": "ours"})])])

    def refused():
        text = last_event(setup, "node")
        return [text] if "nodes" in text and "get" in text else f"last event: {text}"
    said = kube.wait("an event that names the right", refused, every=1)[0]
    setup.report.ok("node", f"refused: {said}")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": "downwardfs-e2e-nodes"}}
    kube.apply([
        {**role, "kind": "ClusterRole",
         "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]},
        {**role, "kind": "ClusterRoleBinding",
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                     "name": "downwardfs-e2e-nodes"},
         "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}]}])
    try:
        # The kubelet tries again after a pause that grows to two minutes.
        kube.wait("the pod to run", lambda: kube.get("-n", NAMESPACE, "pod", "node")["status"].get(
            "phase") == "Running", every=1, timeout=max(300, setup.flags.timeout))
        text = read(setup, "node", "/ours/node")
        setup.report.check("node", "kubernetes.io/hostname=" in text,
                           "granted: the labels are there", text)
    finally:
        kube.run("delete", "clusterrole,clusterrolebinding", "downwardfs-e2e-nodes")
    setup.delete_pods("node")


class Readers:
    """Pods that read all the time, while something is done to the plugin."""

    def __init__(self, setup, step, count=3):
        self.setup, self.step = setup, step
        self.names = [f"reader-{i}" for i in range(count)]
        specs = Specs(setup)
        items = LABELS + [field("name", "metadata.name")]
        start(setup, *[specs.pod(
            name, [specs.ours("ours", items), specs.ours("live", items, layout="live")],
            [specs.container({"/ours": "ours", "/live": ("live", "labels")}, command=READ_LOOP)])
            for name in self.names])
        self.changes = 0

    def rounds(self, name):
        return int(self.setup.kube.exec(NAMESPACE, name, "cat /tmp/rounds 2>/dev/null || echo 0"))

    def check(self, what):
        """Nothing has failed, reading goes on, and a change still comes."""
        self.changes += 1
        for name in self.names:
            label(self.setup, name, f"change={self.changes}")
        for name in self.names:
            for path in ("/ours/labels", "/live"):
                shows(self.setup, name, path, f'change="{self.changes}"')
        before = [self.rounds(n) for n in self.names]
        self.setup.kube.wait("the readers to go on", lambda: all(
            self.rounds(n) > b for n, b in zip(self.names, before)))
        errors = "".join(self.setup.kube.exec(NAMESPACE, n, "cat /tmp/errors 2>/dev/null || true")
                         for n in self.names)
        self.setup.report.check(self.step, not errors,
                                f"{what}: no read failed in {sum(before)} rounds, and changes "
                                "still come", errors[-400:])

    def end(self, what):
        """A pod that starts now finds the plugin as well; then all go."""
        specs = Specs(self.setup)
        start(self.setup, specs.pod("afterwards", [specs.ours("ours", LABELS)],
                                          [specs.container({"/ours": "ours"})]))
        self.setup.report.ok(self.step, f"{what}: a new pod starts")
        self.setup.delete_pods("afterwards", *self.names)


def delete_plugin_pods(setup, component, name):
    old = {p["metadata"]["uid"] for p in setup.plugin_pods(component)}
    setup.kube.run("-n", setup.plugin_namespace, "delete", "pod", "-l",
                   f"app.kubernetes.io/component={component}")
    setup.kube.wait(f"new pods of {name}", lambda: not old & {
        p["metadata"]["uid"] for p in setup.plugin_pods(component)})
    setup.wait_for_plugin()


def restart(setup):
    """Each DaemonSet's pods are deleted, one DaemonSet after the other."""
    readers = Readers(setup, "restart")
    for component, name in (("daemon", "downwardfs"), ("holder", "downwardfs-holder"),
                            ("daemon", "downwardfs")):
        delete_plugin_pods(setup, component, name)
        readers.check(f"{name}'s pods deleted")
    readers.end("all pods deleted once")


def kill(setup):
    """Processes of the plugin are killed: the one that serves, then PID 1 of each container."""
    if not setup.flags.kubelet_root:
        setup.report.note("kill", "left out: needs --kubelet-root, that is, to run on the node")
        return
    readers = Readers(setup, "kill")

    def victims(component, program, first):
        found = []
        for pod in setup.plugin_pods(component):
            for pid, name in setup.processes(pod).items():
                if name == program and (setup.pid_inside(pid) == "1") == first:
                    found.append(pid)
        return found
    for number in range(10):
        pids = setup.kube.wait("downwardfs-csi", lambda: victims("daemon", "downwardfs-csi", False))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        setup.kube.wait("another downwardfs-csi", lambda old=pids: [
            p for p in victims("daemon", "downwardfs-csi", False) if p not in old], every=0.05)
        time.sleep(0.2 * (number % 3))  # not always in the same moment of its start
    readers.check("the serving process killed 10 times")
    for component in ("daemon", "holder"):
        for pid in setup.kube.wait(f"PID 1 of the {component}", lambda c=component: victims(
                c, "downwardfs-holder", True)):
            os.kill(pid, signal.SIGKILL)
        time.sleep(2)  # the kubelet has to notice before readiness means anything
        setup.wait_for_plugin()
        readers.check(f"PID 1 of the {component}'s container killed")
    readers.end("after the deaths")


def kubelet(setup):
    """The kubelet is restarted."""
    if not setup.flags.restart_kubelet:
        setup.report.note("kubelet", "left out: needs --restart-kubelet COMMAND")
        return
    readers = Readers(setup, "kubelet")
    subprocess.run(["sh", "-c", setup.flags.restart_kubelet], check=True, stdin=subprocess.DEVNULL,
                   timeout=setup.flags.timeout)

    def ready():
        nodes = setup.kube.get("nodes")["items"]
        return all(any(c["type"] == "Ready" and c["status"] == "True"
                       for c in n["status"]["conditions"]) for n in nodes)
    time.sleep(5)
    setup.kube.wait("the nodes to be ready", ready)
    setup.wait_for_plugin()
    readers.check("the kubelet restarted")
    readers.end("the kubelet restarted")
