# SPDX-License-Identifier: Apache-2.0
"""Steps with what Kubernetes has got since 1.22: the group in the call, native sidecars, user
namespaces, resizing in place, restricted namespaces."""
import glob
import json

from .compare import differences, listing
from .pods import label, last_event, read, shows, start
from .setup import NAMESPACE, STRICT
from .specs import FIELDS, LABELS, Specs, field, resource

RESTRICTED = "downwardfs-e2e-restricted"


def too_old(setup, step, minor):
    if setup.kube.minor() >= minor:
        return False
    setup.report.note(step, f"left out: needs Kubernetes 1.{minor}")
    return True


def same_as_kubelets(setup, step, pod, what, container="main"):
    """Compares /ours and /theirs in a container."""
    ours, theirs = (listing(setup.kube, pod, f"/{who}", container) for who in ("ours", "theirs"))
    lines = differences(ours, theirs)
    setup.report.check(step, theirs and not lines,
                       f"{what}: {len(theirs)} names, modes, owners, links and bytes are the "
                       f"kubelet's (container {container})", "; ".join(lines[:8]))


def both(setup, items, mode=None):
    specs = Specs(setup)
    return ([specs.ours("ours", items, mode), specs.theirs("theirs", items, mode)],
            {"/ours": "ours", "/theirs": "theirs"})


def group(setup):
    """The pod's fsGroup comes in the call (VOLUME_MOUNT_GROUP); modes are the kubelet's."""
    if too_old(setup, "group", 22):
        return
    specs = Specs(setup)
    volumes, mounts = both(setup, FIELDS, 0o640)
    start(setup, specs.pod("group", volumes, [specs.container(
        mounts, securityContext={"runAsUser": 1000, "runAsGroup": 1000})], LABELS,
        securityContext={"fsGroup": 2000}))
    same_as_kubelets(setup, "group", "group", "fsGroup 2000")
    owner = setup.kube.exec(NAMESPACE, "group", "stat -L -c %g /ours/labels").strip()
    setup.report.check("group", owner == "2000", "our files have the group", owner)
    if setup.flags.kubelet_root and not setup.flags.self_check:
        uid = setup.kube.get("-n", NAMESPACE, "pod", "group")["metadata"]["uid"]
        said = records(setup, uid)
        setup.report.check("group", [r.get("fsGroup") for r in said] == [2000],
                           "the call named the group: the plugin's record of it has fsGroup 2000",
                           str(said))
    setup.delete_pods("group")


def records(setup, uid):
    """The plugin's records of a pod's volumes: what the calls said."""
    found = []
    for name in glob.glob(f"{setup.flags.kubelet_root}/plugins/{setup.driver}/**", recursive=True):
        try:
            with open(name, encoding="utf-8") as file:
                text = file.read()
            if uid in text and isinstance(record := json.loads(text), dict):
                found.append(record)
        except (OSError, ValueError):
            continue  # a directory, a socket, or no record
    return found


def sidecars(setup):
    """A native sidecar: its resources are fields like others', and it sees changes as others do."""
    if too_old(setup, "sidecars", 29):
        return
    specs = Specs(setup)
    items = [field("labels", "metadata.labels")] + [
        resource(container, f"{kind}.{name}") for container in ("main", "sidecar")
        for kind in ("requests", "limits") for name in ("cpu", "memory")]
    volumes, mounts = both(setup, items)
    start(setup, specs.pod("sidecars", volumes, [specs.container(mounts)], initContainers=[
        specs.container(mounts, "sidecar", restartPolicy="Always", resources={
            "requests": {"cpu": "3m"}, "limits": {"memory": "24Mi"}})]))
    for container in ("main", "sidecar"):
        same_as_kubelets(setup, "sidecars", "sidecars", "a native sidecar", container)
    label(setup, "sidecars", "step=one")
    for container in ("main", "sidecar"):
        shows(setup, "sidecars", "/ours/labels", 'step="one"', container)
    setup.report.ok("sidecars", "the sidecar and the main container see a change")
    setup.delete_pods("sidecars")


def users(setup):
    """`hostUsers: false`: owners are those of the pod's own user namespace, as in the kubelet's
    volume. Without `readOnly: true` the pod runs, or its event says what to do."""
    if too_old(setup, "users", 33):
        return
    specs = Specs(setup)
    volumes, mounts = both(setup, FIELDS)
    start(setup, specs.pod("users", volumes, [specs.container(mounts)], LABELS, hostUsers=False))
    inside = setup.kube.exec(NAMESPACE, "users", "cat /proc/self/uid_map").split()
    setup.report.check("users", inside[1:2] != ["0"], "the pod has a user namespace", str(inside))
    same_as_kubelets(setup, "users", "users", "hostUsers: false")
    label(setup, "users", "step=one")
    shows(setup, "users", "/ours/labels", 'step="one"')
    setup.report.ok("users", "a change shows")
    setup.delete_pods("users")
    if setup.flags.self_check:
        return

    writable = specs.ours("ours", FIELDS)
    del writable["csi"]["readOnly"]
    container = specs.container({"/ours": "ours"})
    del container["volumeMounts"][0]["readOnly"]
    setup.kube.apply([specs.pod("users-writable", [writable], [container], hostUsers=False)])

    def answer():
        if "name=" in setup.kube.exec(NAMESPACE, "users-writable", "cat /ours/labels && echo name=",
                                      check=False):
            return ["the pod runs and reads"]
        event = last_event(setup, "users-writable")
        return [event] if "readOnly" in event else event
    said = setup.kube.wait("a pod, or an event that names readOnly", answer, every=1)[0]
    setup.report.ok("users", f"without readOnly: {said}")
    setup.delete_pods("users-writable")


def resize(setup):
    """Resources that are changed in place show at once, as in the kubelet's volume: what the pod
    asks for, also while the kubelet defers it."""
    if too_old(setup, "resize", 33):
        return
    specs, kube = Specs(setup), setup.kube
    items = [resource("main", "requests.cpu", "1m"), resource("main", "limits.memory")]
    volumes, mounts = both(setup, items)
    start(setup, specs.pod("resize", volumes, [specs.container(mounts, resources={
        "requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}})]))
    cores = min(int(n["status"]["allocatable"]["cpu"].rstrip("m")) for n in
                kube.get("nodes")["items"])
    for what, cpu, memory in (("a resize", "20m", "48Mi"),
                              ("one that the node cannot grant", f"{cores}", "48Mi")):
        kube.run("-n", NAMESPACE, "patch", "pod", "resize", "--subresource", "resize", "-p",
                 json.dumps({"spec": {"containers": [{"name": "main", "resources": {
                     "requests": {"cpu": cpu}, "limits": {"memory": memory}}}]}}))
        want = "20" if cpu == "20m" else str(cores * 1000)
        for who in ("ours", "theirs"):
            kube.wait(f"{cpu} in /{who}", lambda w=who, n=want: read(
                setup, "resize", f"/{w}/res/main/requests.cpu-1m") == n)
        same_as_kubelets(setup, "resize", "resize", f"{what} (cpu {cpu})")
    conditions = kube.get("-n", NAMESPACE, "pod", "resize")["status"]["conditions"]
    said = [c.get("reason", "") for c in conditions if c["type"] == "PodResizePending"]
    setup.report.check("resize", said and said[0] in ("Deferred", "Infeasible"),
                       f"that one waits: {said}", str(conditions))
    setup.delete_pods("resize")


def restricted(setup):
    """A namespace that enforces the Pod Security level `restricted` admits the volume without a
    warning."""
    specs, kube = Specs(setup), setup.kube
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted"
              for mode in ("enforce", "audit", "warn")}
    kube.apply([{"apiVersion": "v1", "kind": "Namespace",
                 "metadata": {"name": RESTRICTED, "labels": levels}}])
    try:
        kube.wait("its ServiceAccount", lambda: bool(kube.run(
            "-n", RESTRICTED, "get", "sa", "default", "-o", "name", check=False)))
        pod = specs.pod("restricted", [specs.ours("ours", [field("labels", "metadata.labels")])], [
            specs.container({"/ours": "ours"}, securityContext={
                "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True})],
            securityContext={"runAsNonRoot": True, "runAsUser": 65534,
                             "seccompProfile": {"type": "RuntimeDefault"}})
        pod["metadata"]["namespace"] = RESTRICTED
        kube.apply([pod], STRICT)

        def shown():
            return kube.exec(RESTRICTED, "restricted", "cat /ours/labels", check=False) or (
                kube.get("-n", RESTRICTED, "pod", "restricted")["status"].get("phase", "?"))
        text = kube.wait("the pod's labels", lambda: [t] if (t := shown()).startswith("app=")
                         else f"phase {t}")[0]
        setup.report.check("restricted", text == 'app="web"',
                           "a pod of a restricted namespace reads its labels", text)
    finally:
        kube.run("delete", "namespace", RESTRICTED)


ALL = [("group", group), ("sidecars", sidecars), ("users", users), ("resize", resize),
       ("restricted", restricted)]
