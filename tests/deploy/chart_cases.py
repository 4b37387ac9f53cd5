# SPDX-License-Identifier: Apache-2.0
"""The values with which chart_test renders the chart, and those that it must refuse."""

# name: (values, the kustomization that is the same, components that it takes beside its own)
SAME = {
    "as-it-is": ({}, "base"),
    "default": ({"image": {"repository": "registry.example.org/downwardfs"}}, "overlays/default"),
    "e2e": ({"image": {"repository": "docker.io/library/downwardfs", "tag": "local",
                       "pullPolicy": "Never"},
             "kubeletDir": "/var/tmp/dwfs-cluster/kubelet"}, "overlays/e2e"),
    "gke": ({"image": {"repository": "registry.example.org/downwardfs"}, "priorityQuota": True,
             "networkPolicy": {"enabled": True}}, "overlays/gke"),
    "microk8s": ({"kubeletDir": "/var/snap/microk8s/common/var/lib/kubelet"}, "overlays/microk8s"),
    "other-name": ({"driverName": "downward.example.org",
                    "image": {"repository": "registry.example.org/infra/downwardfs"}},
                   "overlays/other-name"),
    "metrics": ({"metrics": {"enabled": True}}, "base", "metrics"),
    "monitored": ({"image": {"repository": "registry.example.org/downwardfs"}, "priorityQuota": True,
                   "networkPolicy": {"enabled": True},
                   "metrics": {"enabled": True, "podMonitor": {"enabled": True}}},
                  "overlays/gke", "metrics", "pod-monitor"),
    "startup-taint": ({"startupTaint": "csi.downwardfs.dev/starting"}, "base", "startup-taint"),
}
# Values that no overlay has: the objects are checked against the schemas alone.
MORE = {
    "everything": {
        "fullnameOverride": "metadata", "imagePullSecrets": [{"name": "registry"}],
        "image": {"repository": "localhost:5000/downwardfs", "digest": "sha256:" + "0a" * 32},
        "priorityClassName": "important", "priorityQuota": True, "podLabels": {"team": "infra"},
        "podAnnotations": {"example.org/scrape": "true"}, "logLevel": "debug", "logFormat": "text",
        "reviewInterval": "1m30s", "startupTaint": "example.org/new", "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "Exists"}]}]}}},
        "daemon": {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"},
                                 "limits": {"memory": "512Mi"}},
                   "seLinuxOptions": {"type": "spc_t"}, "extraArgs": ["--watchdog", "20000"],
                   "updateStrategy": {"type": "OnDelete"}},
        "serviceAccount": {"annotations": {"example.org/role": "reader"}},
        "metrics": {"enabled": True, "port": 9999, "podMonitor": {
            "enabled": True, "interval": "45s", "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True, "labels": {"role": "alerts"}},
            "dashboard": {"enabled": True, "namespace": "monitoring", "labels": {"boards": "yes"},
                          "annotations": {"grafana_folder": "Storage"}}},
        "networkPolicy": {"enabled": True, "apiServerPorts": [8443]}},
    "nothing": {"tolerations": [], "nodeSelector": None, "priorityClassName": "",
                "daemon": {"resources": None}, "holder": {"resources": None},
                "csiDriver": {"labels": None}},
    "numbers": {"daemon": {"resources": {"limits": {"cpu": 1, "memory": 1073741824}, "requests": {"cpu": 0.5}}},
                "holder": {"resources": {"limits": {}}},
                "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute",
                                 "tolerationSeconds": 1000000}]},
    "longest": {"driverName": "d" * 63, "kubeletDir": "/var/lib/kubelet1", "reviewInterval": "2h30m5s"},
    # Texts that YAML would take for numbers or booleans, if they were not quoted.
    "quoted": {"nameOverride": "null", "fullnameOverride": "1e3", "driverName": "1e3", "kubeletDir": "/1", "image": {"repository": "1", "tag": "1.0"},
               "podLabels": {"on": "yes", "n": "012"}, "daemon": {"extraArgs": ["1", "null"]}},
}
# (values, a word of the refusal)
REFUSED = [
    ({"kubeletdir": "/x"}, "kubeletdir"),
    ({"kubeletDir": "var/lib/kubelet"}, "kubeletDir"),
    ({"kubeletDir": "/var/lib/kubelet/"}, "kubeletDir"),
    ({"kubeletDir": "/var/../etc"}, "kubeletDir"),
    ({"driverName": "-a"}, "driverName"),
    ({"driverName": "a" * 64}, "driverName"),
    ({"driverName": "a/b"}, "driverName"),
    ({"driverName": "a..b"}, "driverName"),
    ({"fullnameOverride": "a.b"}, "fullnameOverride"),
    ({"nameOverride": "A"}, "nameOverride"),
    ({"priorityClassName": "a.-b"}, "priorityClassName"),
    ({"podLabels": {"two words": "x"}}, "two words"),
    ({"podLabels": {"team": "-"}}, "team"),
    ({"image": {"repository": "registry.example.org/downwardfs:1.0"}}, "repository"),
    ({"image": {"repository": "Registry/downwardfs"}}, "repository"),
    ({"image": {"tag": "a b"}}, "tag"),
    ({"image": {"digest": "sha256:12"}}, "digest"),
    ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
    ({"logLevel": "loud"}, "logLevel"),
    ({"reviewInterval": "5"}, "reviewInterval"),
    ({"reviewInterval": "0s"}, "reviewInterval"),
    ({"reviewInterval": "1.5h"}, "reviewInterval"),
    ({"reviewInterval": "99999h"}, "reviewInterval"),
    ({"daemon": {"resources": {"request": {}}}}, "request"),
    ({"networkPolicy": {"apiServerPorts": [0]}}, "apiServerPorts"),
    ({"metrics": {"port": 0}}, "port"),
    ({"metrics": {"podMonitor": {"interval": "often"}}}, "interval"),
    ({"metrics": {"dashboard": {"namespace": "Monitoring"}}}, "namespace"),
    ({"metrics": {"dashboard": {"labels": {"grafana_dashboard": 1}}}}, "grafana_dashboard"),
    ({"metrics": {"prometheusRule": {"enabled": "yes"}}}, "enabled"),
    ({"tolerations": {}}, "tolerations"),
    ({"tolerations": [{"operater": "Exists"}]}, "operater"),
    ({"tolerations": [{"operator": "Exists", "effect": "NoScheduling"}]}, "effect"),
    ({"affinity": {"nodeAffinities": {}}}, "nodeAffinities"),
    ({"nodeSelector": {"disk": 1}}, "disk"),
    ({"daemon": {"updateStrategy": {"rollingUpdate": {"maxUnavailible": 1}}}}, "maxUnavailible"),
    ({"startupTaint": "example.org/a:NoSchedule"}, "startupTaint"),
]
# The schema cannot say these: the templates refuse them.
REFUSED_BY_TEMPLATES = [({"metrics": {part: {"enabled": True}}}, f"metrics.{part}.enabled needs metrics.enabled")
                        for part in ("podMonitor", "prometheusRule", "dashboard")]
REFUSED_BY_TEMPLATES += [
    ({"podLabels": {"app.kubernetes.io/component": "x"}},
     "podLabels: the chart sets the label app.kubernetes.io/component itself"),
    ({"driverName": "d" * 63, "kubeletDir": "/var/snap/microk8s/common/var/lib/kubelet"},
     "kubeletDir and driverName are too long together"),
    ({"csiDriver": {"labels": {"helm.sh/chart": "x"}}}, "csiDriver.labels: the chart sets the label helm.sh/chart"),
]
for _part in ("podMonitor", "prometheusRule", "dashboard"):
    REFUSED_BY_TEMPLATES.append((
        {"metrics": {"enabled": True, _part: {"enabled": True, "labels": {"app.kubernetes.io/version": "x"}}}},
        f"metrics.{_part}.labels: the chart sets the label app.kubernetes.io/version"))
# A null takes a value away, which these cannot do without: (path, the value).
NEEDED = [("", key) for key in ("image", "driverName", "kubeletDir", "logFormat", "daemon", "holder",
                                "serviceAccount", "metrics", "networkPolicy", "csiDriver")]
NEEDED += [("/image", "repository"), ("/daemon", "updateStrategy"), ("/holder", "updateStrategy"),
           ("/metrics", "port"), ("/metrics", "podMonitor"), ("/networkPolicy", "apiServerPorts")]
# Kinds of others, which Kubernetes' own schemas do not have.
CUSTOM = ("PodMonitor", "PrometheusRule")
# Labels that Helm's own rules ask for, and kustomize has not.
HELMS_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")
