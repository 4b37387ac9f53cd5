# SPDX-License-Identifier: Apache-2.0
"""The two that are tried: a cluster mount made here, and the plugin of the node."""
import json
import os
import shutil
import subprocess
import tempfile
import threading

from plugin.report import Failed

from .crowd import FIELD
from .faults import faults


def number(text):
    return int(text) if text.strip().isdigit() else -1


class ClusterMount:
    """`downwardfs mount --cluster` as a child process. A thread looks at its status all the time:
    a fault that is mended at once is a fault too."""

    def __init__(self, program, namespace):
        self.namespace = namespace
        self.directory = tempfile.mkdtemp(prefix="downwardfs-scale-")
        self.path = os.path.join(self.directory, "k8s")
        self.log = os.path.join(self.directory, "log")
        os.mkdir(self.path)
        self.child = subprocess.Popen(
            [program, "mount", "--cluster", "--foreground", "--log-format", "json", "--log-file",
             self.log, self.path], stdin=subprocess.DEVNULL)
        self.away = []
        self.done = threading.Event()
        self.watch = None

    def status(self):
        try:
            with open(f"{self.path}/..status", encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def loaded(self, pods):
        if self.child.poll() is not None:
            raise Failed(f"the mount ended with {self.child.returncode}: {self.text()[-400:]}")
        status = self.status()
        count = status["objects"]["pods"]["count"] if status else 0
        if status and not status["loading"] and count >= pods:
            return status
        return f"{count} of {pods} pods"

    def observe(self):
        def look():
            while not self.done.wait(0.2):
                status = self.status()
                if status is None or not status["connected"]:
                    self.away.append(status["lastError"] if status else "no status")
        self.watch = threading.Thread(target=look, name="status", daemon=True)
        self.watch.start()

    def text(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def faults(self):
        return faults(self.text())

    def value(self, pod):
        """The label of a pod as the mount shows it; -1 where it cannot be read."""
        path = f"{self.path}/namespaces/{self.namespace}/pods/{pod}/labels.d/{FIELD}"
        try:
            with open(path, encoding="utf-8") as file:
                return number(file.read())
        except OSError:
            return -1

    def close(self):
        self.done.set()
        if self.watch:
            self.watch.join()
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            subprocess.run(["umount", "-l", self.path], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)


class NodePlugin:
    """The plugin's DaemonSet on this node, and the volumes of the crowd's pods that run here."""

    def __init__(self, setup, crowd):
        self.setup, self.crowd = setup, crowd

    def log(self, *which):
        return self.setup.kube.run("-n", self.setup.plugin_namespace, "logs", "-l",
                                   "app.kubernetes.io/component=daemon", "--tail=-1", *which)

    def faults(self):
        return faults(self.log())

    def value(self, pod):
        """The label of a pod as its volume shows it, read on the node."""
        path = (f"{self.setup.flags.kubelet_root}/pods/{self.crowd.node_pods[pod]}"
                "/volumes/kubernetes.io~csi/downward/mount/labels")
        try:
            with open(path, encoding="utf-8") as file:
                for line in file.read().splitlines():
                    if line.startswith(f'{FIELD}="'):
                        return number(line.split('"')[1])
        except OSError:
            pass
        return -1
