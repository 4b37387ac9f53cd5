# SPDX-License-Identifier: Apache-2.0
"""The sidecars of deploy/examples, on the cluster of tests/e2e/run."""
import os

from .setup import pod_specs

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../deploy/examples")


def load(setup, name):
    with open(f"{EXAMPLES}/{name}.yaml", encoding="utf-8") as file:
        objects = setup.load(file.read())
    plugin_image = next(pod_specs(setup.objects))["containers"][0]["image"]
    for spec in pod_specs(objects):
        spec["hostNetwork"] = setup.host_network
        spec["terminationGracePeriodSeconds"] = 5
        for container in spec.get("initContainers", []) + spec["containers"]:
            own = container["image"].startswith("downwardfs:")
            container["image"] = plugin_image if own else setup.flags.pod_image
            container["imagePullPolicy"] = setup.pull_policy
    return objects


def ready_pod(setup, namespace):
    """Waits until every container is ready, and returns the name of a pod."""
    def ready():
        pods = setup.kube.get("-n", namespace, "pods")["items"]
        good = pods and all(
            statuses and all(c["ready"] for c in statuses)
            for statuses in (p["status"].get("containerStatuses") for p in pods))
        return [pods[0]["metadata"]["name"]] if good else None
    return setup.kube.wait(f"the pods of {namespace}", ready)[0]


def try_example(setup, name, directory):
    kube = setup.kube
    objects = load(setup, name)
    kube.apply([o for o in objects if o["kind"] == "Namespace"])
    try:
        kube.apply([o for o in objects if o["kind"] != "Namespace"])
        pod = ready_pod(setup, name)
        kube.run("-n", name, "label", "--overwrite", "pod", pod, "tier=back")
        kube.wait(f"the label in {name}", lambda: 'tier="back"' in kube.exec(
            name, pod, 'cat "$1/labels"', directory, container="main", check=False))
        token = kube.exec(name, pod, "ls /var/run/secrets 2>/dev/null || true", container="main")
        setup.report.check("examples", not token.strip(),
                           f"{name}: the main container sees a change, and has no token", token)
    finally:
        kube.run("delete", "namespace", name)


def examples(setup):
    try_example(setup, "sidecar-write", "/etc/downward")
    try_example(setup, "sidecar-fuse", "/etc/downward/pod")
