# SPDX-License-Identifier: Apache-2.0
"""The files of deploy/examples on the cluster of tests/e2e/run: `kubectl apply` takes each without
a warning, its pods become ready, and a change of a label shows."""
import glob
import os
import re

from .report import Failed
from .setup import STRICT, pod_specs

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../deploy/examples")
# The path at which a pod of each example shows its labels.
LABELS = {
    "inline-volume": "/etc/downward/labels",
    "inline-volume-live": "/etc/labels",
    "inline-volume-node": "/etc/downward/node/labels",
    "sidecar-fuse": "/etc/downward/pod/labels",
    "sidecar-native": "/etc/downward/labels",
    "sidecar-write": "/etc/downward/labels",
}
OF_THE_NODE = {"inline-volume-node"}


def images_of_nodes(setup):
    # An image whose last tag was moved away has no names.
    return {name for node in setup.kube.get("nodes")["items"]
            for image in node["status"].get("images", []) for name in image["names"] or []}


def text_of(setup, name):
    """An example's text, as it is if the nodes have its images: an example is tried unchanged then.
    Otherwise with the images of this run in their place. Returns (text, how it was changed)."""
    with open(f"{EXAMPLES}/{name}.yaml", encoding="utf-8") as file:
        text = file.read()
    there = images_of_nodes(setup)
    plugin_image = next(pod_specs(setup.objects))["containers"][0]["image"]
    changed = []
    for image in sorted(set(re.findall(r"^ *image: (\S+)$", text, re.MULTILINE))):
        if f"docker.io/library/{image}" in there:
            continue
        other = plugin_image if image.startswith("downwardfs:") else setup.flags.pod_image
        text = re.sub(rf"^( *image: ){re.escape(image)}$", rf"\g<1>{other}", text,
                      flags=re.MULTILINE)
        changed.append(f"{other} for {image}")
    return text, "with " + ", ".join(changed) if changed else "unchanged"


def ready_pods(setup, namespace, count):
    """Waits until the example's pods are ready with every container, and returns their names."""
    def ready():
        pods = setup.kube.get("-n", namespace, "pods")["items"]
        good = [p["metadata"]["name"] for p in pods if any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in p["status"].get("conditions", []))]
        return good if len(good) >= count else f"{len(good)} of {count} are ready"
    return setup.kube.wait(f"the pods of {namespace}", ready)


def pod_count(objects):
    return sum(o["spec"].get("replicas", 1) if o["kind"] == "Deployment" else 1
               for o in objects if o["kind"] in ("Deployment", "Pod"))


def try_example(setup, name):
    kube, report = setup.kube, setup.report
    text, how = text_of(setup, name)
    objects = setup.load(text)
    kube.run("apply", STRICT, "-f", "-", stdin=text)
    try:
        pods = ready_pods(setup, name, pod_count(objects))
        pod = next(p for p in pods if p.startswith("web"))
        path = LABELS[name]
        if name in OF_THE_NODE:
            what = ["node", kube.get("-n", name, "pod", pod)["spec"]["nodeName"]]
        else:
            what = ["-n", name, "pod", pod]
        kube.run("label", "--overwrite", *what, "downwardfs-e2e=seen")
        try:
            kube.wait(f"the label in {name}", lambda: 'downwardfs-e2e="seen"' in kube.exec(
                name, pod, 'cat "$1"', path, container="main", check=False))
        finally:
            kube.run("label", *what, "downwardfs-e2e-")
        token = kube.exec(name, pod, "ls /var/run/secrets 2>/dev/null || true", container="main")
        report.check("examples", not token.strip(),
                     f"{name}, {how}: {len(pods)} pods ready, the main container sees a change and "
                     "has no token", token)
        if "full-view" in pods:
            phase = kube.exec(name, "full-view", "cat /etc/downward/phase")
            report.check("examples", phase == "Running", f"{name}: the full view's phase", phase)
    finally:
        # Their shells do not end at a signal: all are deleted before one is waited for.
        kube.run("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)


def examples(setup):
    found = {os.path.splitext(os.path.basename(f))[0] for f in glob.glob(f"{EXAMPLES}/*.yaml")}
    if found != LABELS.keys():
        raise Failed(f"these examples are not tried here: {sorted(found ^ LABELS.keys())}")
    if setup.kube.minor() < 29:
        found.discard("sidecar-native")
        setup.report.note("examples", "sidecar-native left out: needs Kubernetes 1.29")
    if setup.flags.self_check:  # those that need no plugin
        found = {name for name in found if name.startswith("sidecar-")}
    for name in sorted(found):
        setup.report.attempt("examples", lambda n=name: try_example(setup, n))
    setup.kube.run("wait", "--for=delete", f"--timeout={setup.flags.timeout:.0f}s", "namespace",
                   *sorted(found))
