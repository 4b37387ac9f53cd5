# SPDX-License-Identifier: Apache-2.0
"""The plugin on the cluster, and the test's namespace: installed at the start, gone at the end."""
import json
import os

from .report import Failed

NAMESPACE = "downwardfs-e2e"
# The plugin's namespace, which no kustomization and no chart has.
PLUGIN_NAMESPACE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../../deploy/kustomize/namespace.yaml")
# A manifest of ours that the server warns about is refused.
STRICT = "--warnings-as-errors"


def pod_specs(objects):
    for o in objects:
        if o["kind"] == "Pod":
            yield o["spec"]
        elif o["kind"] in ("DaemonSet", "Deployment"):
            yield o["spec"]["template"]["spec"]


class Setup:
    def __init__(self, kube, flags, report):
        self.kube, self.flags, self.report = kube, flags, report
        self.objects = []
        self.applied = self.made_namespace = False
        self.driver = self.plugin_namespace = None
        self.pull_policy = "IfNotPresent"
        self.others_mounts = set()  # on this machine, of pods that are not the test's

    def load(self, text):
        """YAML as a list of objects: kubectl reads it, so that no library has to."""
        out = self.kube.run("create", "--dry-run=client", "--validate=false", "-o", "json",
                            "-f", "-", stdin=text)
        objects, decoder = [], json.JSONDecoder()
        while out := out.lstrip():
            o, end = decoder.raw_decode(out)
            objects += o["items"] if o["kind"] == "List" else [o]
            out = out[end:]
        return objects

    def render(self):
        """kubectl must have nothing to say about the kustomization but what it renders."""
        if self.flags.manifests:
            with open(self.flags.manifests, encoding="utf-8") as file:
                self.objects = self.load(file.read())
        else:
            self.objects = self.load(self.kube.silent("kustomize", self.flags.overlay))
        for o in self.objects:
            if o["kind"] == "CSIDriver":
                self.driver = o["metadata"]["name"]
            if o["kind"] == "DaemonSet":
                self.plugin_namespace = o["metadata"]["namespace"]
        for spec in pod_specs(self.objects):
            for container in spec["containers"]:
                self.pull_policy = container.get("imagePullPolicy", "IfNotPresent")
                if self.flags.image:
                    container["image"] = self.flags.image

    def install(self):
        self.render()
        kube, report = self.kube, self.report
        self.others_mounts = self.mounts()
        kube.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
        kube.wait("the ServiceAccount of the test's namespace", lambda: bool(
            kube.run("-n", NAMESPACE, "get", "sa", "default", "-o", "name", check=False)))
        if self.flags.self_check:
            report.ok("install", "nothing: the kubelet's volume stands in for ours")
            return
        if not self.flags.installed:
            # Two plugins of one name would take each other's sockets on the node.
            if kube.run("get", "csidriver", self.driver, "--ignore-not-found", "-o", "name"):
                raise Failed(f"there is a CSIDriver {self.driver} already: use that plugin with "
                             "--installed, remove it, or take an overlay with another name")
            self.applied = True
            self.make_namespace()
            kube.apply(self.objects, STRICT)
        self.wait_for_plugin()
        report.ok("install", f"both DaemonSets are ready, {self.driver} is registered on each node")

    def make_namespace(self):
        """The plugin's namespace, if it is not there; only then does clean_up delete it."""
        if self.kube.run("get", "namespace", self.plugin_namespace, "--ignore-not-found",
                         "-o", "name"):
            return
        with open(PLUGIN_NAMESPACE, encoding="utf-8") as file:
            namespace, = self.load(file.read())
        namespace["metadata"]["name"] = self.plugin_namespace
        self.kube.apply([namespace], STRICT)
        self.made_namespace = True

    def plugin_ready(self, name):
        o = self.kube.get("-n", self.plugin_namespace, "daemonset", name)
        status = o["status"]
        want = status.get("desiredNumberScheduled", 0)
        ready = status.get("numberReady", 0)
        seen = status.get("observedGeneration") == o["metadata"]["generation"]
        if not seen or not want or ready < want:
            return f"{name}: {ready} of {want} ready"
        return True

    def wait_for_plugin(self):
        for name in ("downwardfs-holder", "downwardfs"):
            self.kube.wait(f"DaemonSet {name}", lambda n=name: self.plugin_ready(n))

        def registered():
            nodes = self.kube.get("csinode")["items"]
            without = [n["metadata"]["name"] for n in nodes if self.driver not in
                       [d["name"] for d in n["spec"].get("drivers") or []]]
            return f"not on {without}" if without else True
        self.kube.wait("the driver's registration", registered)

    def plugin_pods(self, component):
        return self.kube.get("-n", self.plugin_namespace, "pods", "-l",
                             f"app.kubernetes.io/component={component}")["items"]

    # Processes of this machine that belong to a pod: {pid: program}.
    @staticmethod
    def processes(pod):
        uid = pod["metadata"]["uid"]
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
                    group = file.read()
                # The systemd cgroup driver writes uids with underscores.
                if uid in group or uid.replace("-", "_") in group:
                    found[int(pid)] = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            except OSError:
                continue  # it has ended meanwhile
        return found

    @staticmethod
    def pid_inside(pid):
        """Its pid in its own container; nothing once it has ended."""
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                return next(line.split()[-1] for line in file if line.startswith("NSpid:"))
        except OSError:
            return None

    def mounts(self):
        """Our mounts in the kubelet's directory on this machine."""
        if not self.flags.kubelet_root:
            return set()
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return {line.split()[4] for line in file
                    if " - fuse.downwardfs " in line and self.flags.kubelet_root in line}

    def left_on_node(self, uid):
        """The remains of a deleted pod on this machine, or None."""
        root = self.flags.kubelet_root
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = [line.split()[4] for line in file if uid in line.split()[4]]
        if mounts:
            return f"mounted: {mounts}"
        return f"{root}/pods/{uid}" if os.path.exists(f"{root}/pods/{uid}") else None

    def delete_pods(self, *names):
        """Deletes pods of the test's namespace (all, if none is named) and waits until they are
        gone, also from the node if that is this machine."""
        which = list(names) or ["--all"]
        uids = [p["metadata"]["uid"] for p in self.kube.get("-n", NAMESPACE, "pods")["items"]
                if not names or p["metadata"]["name"] in names]
        self.kube.run("-n", NAMESPACE, "delete", "pod", "--wait=true",
                      f"--timeout={self.flags.timeout:.0f}s", *which)
        if self.flags.kubelet_root:
            self.kube.wait("the node to be clean", lambda: next(
                filter(None, (self.left_on_node(uid) for uid in uids)), True), every=1)
        return len(uids)

    def clean_up(self):
        self.delete_pods()
        self.kube.run("delete", "namespace", NAMESPACE, "--wait=true",
                      f"--timeout={self.flags.timeout:.0f}s")
        if self.applied:
            for o in self.objects:
                meta = o["metadata"]
                where = ["-n", meta["namespace"]] if "namespace" in meta else []
                self.kube.run(*where, "delete", o["kind"], meta["name"], "--ignore-not-found")
        if self.made_namespace:
            self.kube.run("delete", "namespace", self.plugin_namespace, "--ignore-not-found")
        if left := self.mounts() - self.others_mounts:
            raise Failed(f"mounts are left: {sorted(left)}")
        self.report.ok("clean up", "nothing is left")
