# SPDX-License-Identifier: Apache-2.0
"""Thousands of pods that nobody starts: each has a scheduling gate. And some that run on the node,
with a volume of the plugin."""
import time

FIELD = "scale"  # the label that is changed
GATE = "example.org/never"


def gated(number):
    """A pod of the size that pods usually have: some 8 KB with what the server adds."""
    def container(name):
        return {"name": name, "image": f"registry.example.org/shop/{name}:1.{number % 40}",
                "ports": [{"containerPort": 8000 + p, "name": f"port-{p}"} for p in range(3)],
                "env": [{"name": f"SETTING_{i}", "value": f"{name}-{i}-" + "v" * 30}
                        for i in range(12)],
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"},
                              "limits": {"memory": "128Mi"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8000}},
                "volumeMounts": [{"name": "config", "mountPath": "/etc/config"}]}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"gated-{number:05}",
                         "labels": {"app": f"app-{number % 200}", "tier": f"t{number % 3}",
                                    FIELD: "0"},
                         "annotations": {"example.org/config": f"{number:08}" * 150}},
            "spec": {"schedulingGates": [{"name": GATE}],
                     "containers": [container("web"), container("proxy")],
                     "volumes": [{"name": "config", "emptyDir": {}}]}}


def on_node(number, driver, image):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": f"node-{number:05}", "labels": {FIELD: "0", "on": "node"}},
            "spec": {"terminationGracePeriodSeconds": 1, "tolerations": [{"operator": "Exists"}],
                     "containers": [{"name": "main", "image": image,
                                     "imagePullPolicy": "IfNotPresent",
                                     "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 1d & wait"],
                                     "volumeMounts": [{"name": "downward",
                                                       "mountPath": "/etc/downward"}]}],
                     "volumes": [{"name": "downward", "csi": {
                         "driver": driver, "readOnly": True, "volumeAttributes": {
                             "items": "[{path: labels, fieldRef: {fieldPath: metadata.labels}}]"
                         }}}]}}


class Crowd:
    """The pods of one namespace. Pods that are there already are taken as they are, so that a
    second run with --keep does not make them again."""

    def __init__(self, server, kube, namespace):
        self.server, self.kube, self.namespace = server, kube, namespace
        self.path = f"/api/v1/namespaces/{namespace}/pods"
        self.gated, self.node_pods = [], {}

    def make(self, count, node_count, driver, image):
        """Makes what is missing; returns how many were made, and the seconds that took."""
        began = time.monotonic()
        self.server.ask("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": self.namespace}}, accept=(409,))
        self.kube.wait("the ServiceAccount of the namespace", lambda: b'"uid"' in self.server.ask(
            "GET", f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default", accept=(404,)))
        there = {p["metadata"]["name"] for p in self.server.get(self.path)["items"]}
        wanted = [gated(i) for i in range(count)]
        wanted += [on_node(i, driver, image) for i in range(node_count)]
        missing = [p for p in wanted if p["metadata"]["name"] not in there]
        self.server.each(lambda pod: self.server.ask("POST", self.path, pod), missing)
        self.gated = [p["metadata"]["name"] for p in wanted[:count]]
        made = time.monotonic() - began
        if node_count:
            self.kube.wait("the node's pods to run", lambda: self.find_node_pods(node_count),
                           every=1, timeout=max(self.kube.timeout, 5.0 * node_count))
        return len(missing), made

    def find_node_pods(self, count):
        pods = self.server.get(self.path, labelSelector="on=node")["items"]
        self.node_pods = {p["metadata"]["name"]: p["metadata"]["uid"] for p in pods
                          if p["status"].get("phase") == "Running"}
        return True if len(self.node_pods) >= count else f"{len(self.node_pods)} of {count} run"

    def delete(self):
        """Deletes the namespace with all in it; waits until it is gone, and returns the seconds."""
        began = time.monotonic()
        self.kube.run("-n", self.namespace, "delete", "pods", "-l", "on=node",
                      f"--timeout={self.kube.timeout:.0f}s", check=False)
        self.server.ask("DELETE", f"/api/v1/namespaces/{self.namespace}", accept=(404,))
        self.kube.wait("the namespace to be gone", lambda: b'"NotFound"' in self.server.ask(
            "GET", f"/api/v1/namespaces/{self.namespace}", accept=(404,)), every=1,
            timeout=max(self.kube.timeout, 600))
        return time.monotonic() - began
