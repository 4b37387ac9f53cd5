# SPDX-License-Identifier: Apache-2.0
"""The plugin ends and starts again, while pods change; how long until it says that it is ready."""
import os
import signal
import subprocess
import time

from plugin.report import Failed


def started_at(pid):
    """When a process started, on time.monotonic()'s clock (to a hundredth of a second)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic() - (since_boot - ticks / os.sysconf("SC_CLK_TCK"))


class Restarts:
    def __init__(self, setup, program):
        self.setup, self.program = setup, program
        self.socket = (f"{setup.flags.kubelet_root}/plugins/{setup.driver}/csi.sock")
        self.said = ""

    def ready(self):
        """Asks what the pod's readiness probe asks, but from here."""
        done = subprocess.run([self.program, "csi", "--probe", "--endpoint",
                               f"unix://{self.socket}"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        self.said = done.stdout.strip()
        return done.returncode == 0

    def until_ready(self, since):
        patience = self.setup.flags.timeout
        while not self.ready():
            if time.monotonic() - since > patience:
                raise Failed(f"not ready after {patience:.0f} s: {self.said}")
            time.sleep(0.02)
        return time.monotonic() - since

    def pod(self):
        pods = self.setup.plugin_pods("daemon")
        return pods[0] if len(pods) == 1 else None

    def process(self, name, pod=None):
        pod = pod or self.pod()
        found = [pid for pid, program in (self.setup.processes(pod) if pod else {}).items()
                 if program == name]
        return found[0] if found else None

    def kill_process(self):
        """kill -9 of the process that serves. Returns the seconds until its successor is ready."""
        pid = self.process("downwardfs-csi")
        if not pid:
            raise Failed("no downwardfs-csi runs on this machine")
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return self.until_ready(began), ""

    def delete_pod(self):
        """Returns the seconds from the start of the new pod's container until it is ready."""
        setup = self.setup
        old = self.pod()
        if old is None:
            raise Failed("there is not one pod of the plugin on one node")
        began = time.monotonic()
        setup.kube.run("-n", setup.plugin_namespace, "delete", "pod", old["metadata"]["name"],
                       "--wait=false")

        def running():
            pod = self.pod()
            new = pod and pod["metadata"]["uid"] != old["metadata"]["uid"]
            pid = self.process("downwardfs-holder", pod) if new else None
            return [pod, pid] if pid else None
        pod, pid = setup.kube.wait("the new pod's process", running, every=0.1)
        took = self.until_ready(started_at(pid))
        ready = time.monotonic() - began

        def condition():
            status = setup.kube.get("-n", setup.plugin_namespace, "pod",
                                    pod["metadata"]["name"])["status"]
            return any(c["type"] == "Ready" and c["status"] == "True"
                       for c in status.get("conditions", []))
        setup.kube.wait("the pod to be Ready", condition, every=0.1)
        return took, (f" ({ready:.1f} s after `kubectl delete pod`; the pod is Ready after "
                      f"{time.monotonic() - began:.1f} s)")
