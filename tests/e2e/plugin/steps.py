# SPDX-License-Identifier: Apache-2.0
"""The steps of tests/e2e/run. Each makes its pods, checks, and deletes them; none needs another."""
import time

from . import newer, trouble
from .compare import differences, listing
from .latency import describe, measure
from .examples import examples
from .pods import label, read, shows, start
from .report import Failed
from .setup import NAMESPACE
from .specs import ANNOTATIONS, ENV_ONLY, FIELDS, LABELS, RESOURCES, Specs, field
from .watchlist import watchlist


def fields(setup):
    """Every field of a downwardAPI volume, beside the kubelet's own volume of the same items."""
    specs, kube, report = Specs(setup), setup.kube, setup.report
    items = FIELDS + RESOURCES
    volumes, mounts = [], {}
    for name, mode in (("plain", None), ("mode", 0o640)):
        volumes += [specs.ours(f"ours-{name}", items, mode),
                    specs.theirs(f"theirs-{name}", items, mode)]
        mounts.update({f"/{who}/{name}": f"{who}-{name}" for who in ("ours", "theirs")})
    limits = {"requests": {"cpu": "15m", "memory": "100Ki", "ephemeral-storage": "1M"},
              "limits": {"cpu": "1500m", "memory": "32Mi", "ephemeral-storage": "3333333333"}}
    start(setup, specs.pod(
        "fields", volumes,
        [specs.container(mounts, resources=limits), specs.container(mounts, "bare")],
        LABELS, ANNOTATIONS,
        initContainers=[specs.container({}, "first", "exit 0", resources={
            "requests": {"cpu": "1m"}, "limits": {"cpu": "2", "memory": "20M"}})]))
    for name in ("plain", "mode"):
        for container in ("main", "bare"):
            ours, theirs = (listing(kube, "fields", f"/{who}/{name}", container)
                            for who in ("ours", "theirs"))
            lines = differences(ours, theirs)
            report.check("fields", theirs and not lines,
                         f"{len(theirs)} names, modes, owners, links and bytes are the kubelet's "
                         f"({name}, container {container})", "; ".join(lines[:8]))
    setup.delete_pods("fields")


def beyond(setup):
    """Fields that the kubelet gives in a container's environment only are files here."""
    specs, kube = Specs(setup), setup.kube
    env = [{"name": f"V{i}", "valueFrom": {"fieldRef": {"fieldPath": path}}}
           for i, path in enumerate(ENV_ONLY)]
    start(setup, specs.pod(
        "beyond", [specs.ours("ours", [field(f"f{i}", p) for i, p in enumerate(ENV_ONLY)]),
                   specs.ours("full", None, view="full")],
        [specs.container({"/ours": "ours", "/full": "full"}, env=env)]))
    for i, path in enumerate(ENV_ONLY):
        want = kube.exec(NAMESPACE, "beyond", f'printf %s "$V{i}"')
        # An address may come a moment after the start.
        kube.wait(path, lambda i=i, w=want: read(setup, "beyond", f"/ours/f{i}") == w)
        setup.report.ok("beyond", f"{path} is {want}, as in the environment")
    name = read(setup, "beyond", "/full/podName")
    setup.report.check("beyond", name == "beyond", "the full view names the pod", name)
    setup.delete_pods("beyond")


def changes(setup):
    """A label and an annotation show in both volumes, in ours first."""
    specs, kube, report = Specs(setup), setup.kube, setup.report
    items = [field("labels", "metadata.labels"), field("annotations", "metadata.annotations")]
    start(setup, specs.pod("changes", [specs.ours("ours", items), specs.theirs("theirs", items)],
                           [specs.container({"/ours": "ours", "/theirs": "theirs"})]))

    def run(verb):
        def change():
            began = time.time()
            kube.run("-n", NAMESPACE, verb, "pod", "changes", "by=kubectl")
            return began
        return change
    for verb in ("label", "annotate"):
        file = {"label": "labels", "annotate": "annotations"}[verb]
        ours, theirs = measure(kube, "changes", 'by="kubectl"', f"/ours/{file}", f"/theirs/{file}",
                               run(verb))
        report.check("changes", setup.flags.self_check or ours < theirs,
                     f"kubectl {verb}, its own start included: ours {ours * 1000:.0f} ms, "
                     f"the kubelet's {theirs * 1000:.0f} ms")
    pairs = [measure(kube, "changes", f'n="{i}"', "/ours/labels", "/theirs/labels",
                     lambda i=i: kube.patch(NAMESPACE, "changes", {"labels": {"n": str(i)}}))
             for i in range(setup.flags.changes)]
    report.check("changes", setup.flags.self_check or all(o < t for o, t in pairs),
                 "from the request to the file: " + describe(pairs))
    setup.delete_pods("changes")


def non_root(setup):
    specs = Specs(setup)
    who = {"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": True,
           "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
           "readOnlyRootFilesystem": True}
    items = [field("labels", "metadata.labels"), field("secret", "metadata.name", mode=0o400)]
    start(setup, specs.pod("non-root", [specs.ours("ours", items), specs.theirs("theirs", items)],
                           [specs.container({"/ours": "ours", "/theirs": "theirs"},
                                            securityContext=who)]))
    text = read(setup, "non-root", "/ours/labels")
    setup.report.check("non-root", text == 'app="web"', "user 1000 reads the labels", text)
    for volume in ("ours", "theirs"):
        out = setup.kube.exec(NAMESPACE, "non-root",
                              f"cat /{volume}/secret >/dev/null 2>&1 || echo refused")
        setup.report.check("non-root", out.strip() == "refused",
                           f"/{volume}: mode 0400 keeps user 1000 out")
    out = setup.kube.exec(NAMESPACE, "non-root", "{ echo x >/ours/x || echo x >/ours/labels; } "
                          "2>/dev/null || echo refused")
    setup.report.check("non-root", out.strip() == "refused", "nobody writes to the volume", out)
    setup.delete_pods("non-root")


def sub_path(setup):
    """With `layout: live` a subPath mount of a file shows what changes."""
    specs = Specs(setup)
    items = [field("labels", "metadata.labels")]
    start(setup, specs.pod("sub-path", [specs.ours("ours", items, layout="live")],
                           [specs.container({"/etc/labels": ("ours", "labels"), "/ours": "ours"})]))
    for value in ("one", "two"):
        label(setup, "sub-path", f"step={value}")
        for path in ("/etc/labels", "/ours/labels"):
            shows(setup, "sub-path", path, f'step="{value}"')
    setup.report.ok("sub-path", "two changes showed in the file that is mounted alone, too")
    setup.delete_pods("sub-path")


def containers(setup):
    """Two containers of a pod, and two volumes."""
    specs = Specs(setup)
    volumes = [specs.ours("one", [field("labels", "metadata.labels")]),
               specs.ours("two", [field("annotations", "metadata.annotations"),
                                  field("l", "metadata.labels")])]
    mounts = {"/one": "one", "/two": "two"}
    start(setup, specs.pod("containers", volumes,
                           [specs.container(mounts), specs.container(mounts, "other")]))
    label(setup, "containers", "step=one")
    for container in ("main", "other"):
        for path in ("/one/labels", "/two/l"):
            shows(setup, "containers", path, 'step="one"', container)
    setup.report.ok("containers", "two containers see the change in two volumes")
    setup.delete_pods("containers")


def many(setup):
    """Many pods at once: each sees itself, and a label that all of them get."""
    specs, kube = Specs(setup), setup.kube
    nodes = [n for n in kube.get("nodes")["items"] if not n["spec"].get("unschedulable")]
    room = sum(int(n["status"]["allocatable"]["pods"]) for n in nodes) - len(
        [p for p in kube.get("pods", "-A")["items"] if p["status"].get("phase") == "Running"])
    count = min(setup.flags.pods, room)
    items = [field("labels", "metadata.labels"), field("podName", "metadata.name")]
    # A pod ends well if it has seen its own name and the label.
    command = ("until grep -q 'phase=\"done\"' /ours/labels; do sleep 0.5; done\n"
               '[ "$(cat /ours/podName)" = "$POD" ]')
    env = [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    began = time.monotonic()
    kube.apply([specs.pod(f"many-{i}", [specs.ours("ours", items)],
                          [specs.container({"/ours": "ours"}, command=command, env=env)],
                          {"group": "many"}, restartPolicy="Never") for i in range(count)])

    def phase(wanted):
        pods = kube.get("-n", NAMESPACE, "pods", "-l", "group=many")["items"]
        good = [p for p in pods if p["status"].get("phase") == wanted]
        bad = [p["metadata"]["name"] for p in pods if p["status"].get("phase") == "Failed"]
        if bad:
            raise Failed(f"these ended badly: {bad[:10]}")
        return True if len(good) == count else f"{len(good)} of {count} are {wanted}"
    slow = max(setup.flags.timeout, 5.0 * count)
    kube.wait("the pods to run", lambda: phase("Running"), every=1, timeout=slow)
    setup.report.ok("many", f"{count} pods run after {time.monotonic() - began:.0f} s")
    kube.run("-n", NAMESPACE, "label", "pods", "-l", "group=many", "phase=done")
    kube.wait("the pods to see the label", lambda: phase("Succeeded"), every=1, timeout=slow)
    setup.report.ok("many", f"{count} pods saw their own name and the new label")
    setup.delete_pods(*[f"many-{i}" for i in range(count)])


def deletion(setup):
    """A deleted pod leaves neither a mount nor a directory on the node."""
    specs = Specs(setup)
    items = [field("labels", "metadata.labels")]
    volumes = [specs.ours("ours", items), specs.ours("live", items, layout="live")]
    start(setup, specs.pod("gone", volumes, [specs.container(
        {"/ours": "ours", "/labels": ("live", "labels")})]))
    uid = setup.kube.get("-n", NAMESPACE, "pod", "gone")["metadata"]["uid"]
    if setup.flags.kubelet_root:
        setup.report.check("deletion", setup.left_on_node(uid), "the pod is on this machine")
    setup.delete_pods("gone")
    where = " and from the node" if setup.flags.kubelet_root else ""
    setup.report.ok("deletion", f"the pod is gone from the cluster{where}")


ALL = [("fields", fields), ("beyond", beyond), ("changes", changes), ("non-root", non_root),
       ("sub-path", sub_path), ("containers", containers), *newer.ALL, ("deletion", deletion),
       ("many", many), ("wrong", trouble.wrong), ("node", trouble.node),
       ("watchlist", watchlist), ("restart", trouble.restart), ("kill", trouble.kill),
       ("kubelet", trouble.kubelet), ("examples", examples)]
# Those that make sense with the kubelet's own volume in place of ours, to check this script itself.
WITHOUT_PLUGIN = {"fields", "changes", "non-root", "containers", "group", "sidecars", "users",
                  "resize", "restricted", "deletion", "many", "examples"}
