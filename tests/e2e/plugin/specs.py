# SPDX-License-Identifier: Apache-2.0
"""The pods of the test. `ours` and `theirs`: the same items in our volume and in the kubelet's."""
import json

from .setup import NAMESPACE

LABELS = {"app": "web", "tier": "front", "example.org/part": "a.b_c-d", "empty": ""}
ANNOTATIONS = {
    "note": "line1\nline2 \"q\" é ☃ \u0001\u200b\u007f\\", "build": "7", "empty": "",
    "example.org/json": '{"a": [1, 2]}', "example.org/long": "x" * 5000}


def field(path, field_path, **more):
    return {"path": path, "fieldRef": {"fieldPath": field_path}, **more}


def resource(container, name, divisor=None):
    ref = {"containerName": container, "resource": name}
    if divisor:
        ref["divisor"] = divisor
    return {"path": f"res/{container}/{name}" + (f"-{divisor}" if divisor else ""),
            "resourceFieldRef": ref}


# All that a downwardAPI volume of every Kubernetes since 1.20 may ask for.
FIELDS = [field(f"meta/{name}", f"metadata.{name}") for name in ("name", "namespace", "uid")] + [
    field("labels", "metadata.labels"),
    field("annotations", "metadata.annotations"),
    field("label-tier", "metadata.labels['tier']"),
    field("label-qualified", "metadata.labels['example.org/part']"),
    field("label-empty", "metadata.labels['empty']"),
    field("label-absent", "metadata.labels['absent']"),
    field("annotation-note", "metadata.annotations['note']"),
    field("annotation-long", "metadata.annotations['example.org/long']"),
    field("annotation-absent", "metadata.annotations['absent']"),
    field("secret", "metadata.name", mode=0o400),
    field("deep/er/name", "metadata.name", mode=0o751),
    field("deep/uid", "metadata.uid"),
]
DIVISORS = {"cpu": ("1", "1m"),
            "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E",
                       "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
            "ephemeral-storage": ("1", "1k", "1Ki", "1M", "1Mi", "1G", "1Gi")}
# `first` is an init container. `bare` has neither requests nor limits: those fall back to 0 and to
# the node's allocatable.
RESOURCES = [resource(container, f"{kind}.{name}", divisor)
             for container in ("main", "bare", "first") for kind in ("requests", "limits")
             for name, divisors in DIVISORS.items() for divisor in (None,) + divisors]

# Fields that the kubelet gives in the environment only, and we in files too.
ENV_ONLY = ("spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.podIP")


class Specs:
    def __init__(self, setup):
        self.setup = setup

    def ours(self, name, items, mode=None, **attributes):
        if self.setup.flags.self_check:
            return self.theirs(name, items, mode)
        if items is not None:
            attributes["items"] = json.dumps(items)  # which is YAML
        if mode is not None:
            attributes["defaultMode"] = f"0{mode:o}"
        return {"name": name, "csi": {"driver": self.setup.driver, "readOnly": True,
                                      "volumeAttributes": attributes}}

    @staticmethod
    def theirs(name, items, mode=None):
        source = {"items": items}
        if mode is not None:
            source["defaultMode"] = mode
        return {"name": name, "downwardAPI": source}

    def container(self, mounts, name="main", command="while :; do sleep 3600; done", **more):
        """mounts: {path: volume} or {path: (volume, subPath)}."""
        volume_mounts = []
        for path, volume in mounts.items():
            volume, sub_path = volume if isinstance(volume, tuple) else (volume, None)
            volume_mounts.append({"name": volume, "mountPath": path, "readOnly": True})
            if sub_path:
                volume_mounts[-1]["subPath"] = sub_path
        return {"name": name, "image": self.setup.flags.pod_image,
                "imagePullPolicy": self.setup.pull_policy,
                # A signal ends the shell at once; it would not as process 1 without a handler.
                "command": ["sh", "-c", "trap 'exit 0' TERM\n" + command.replace(
                    "sleep 3600", "sleep 3600 & wait")],
                "volumeMounts": volume_mounts, **more}

    def pod(self, name, volumes, containers, labels=None, annotations=None, **more):
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE,
                             "labels": {"app": "web"} if labels is None else labels,
                             "annotations": annotations or {}},
                "spec": {"containers": containers, "volumes": volumes,
                         "tolerations": [{"operator": "Exists"}],
                         "terminationGracePeriodSeconds": 5, **more}}
