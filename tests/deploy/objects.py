# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects and the program that makes them, for the tests of deploy/."""
import json
import subprocess
import unittest

# The first kubectl whose kustomize knows `replacements` and components (Debian 12 has 1.20).
OLDEST_KUBECTL = (1, 22)


def need_kustomize(kubectl):
    """Skips the test if kubectl is too old to render deploy/kustomize."""
    out = subprocess.run([kubectl, "version", "--client", "-o", "json"], check=True,
                         stdout=subprocess.PIPE).stdout
    version = json.loads(out)["clientVersion"]
    version = int(version["major"]), int(version["minor"].rstrip("+"))
    if version < OLDEST_KUBECTL:
        raise unittest.SkipTest("kubectl %d.%d cannot render them: %d.%d or later is needed"
                                % (version + OLDEST_KUBECTL))


def pod_specs(objects):
    for o in objects:
        if o["kind"] == "Pod":
            yield o, o["spec"]
        elif o["kind"] in ("Deployment", "DaemonSet", "StatefulSet", "Job"):
            yield o, o["spec"]["template"]["spec"]


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]
