# SPDX-License-Identifier: Apache-2.0
"""Things that the steps do with a pod of the test's namespace."""
from .setup import NAMESPACE


def start(setup, *pods):
    """Makes pods and waits until they run, or says what their last event was."""
    setup.kube.apply(list(pods))

    def running(name):
        pod = setup.kube.get("-n", NAMESPACE, "pod", name)
        if any(c["type"] == "Ready" and c["status"] == "True"
               for c in pod["status"].get("conditions", [])):
            return True
        return f"{name}: {pod['status'].get('phase')}; {last_event(setup, name)}"
    for pod in pods:
        name = pod["metadata"]["name"]
        setup.kube.wait(f"pod {name}", lambda n=name: running(n))


def last_event(setup, pod):
    events = setup.kube.get("-n", NAMESPACE, "events", "--field-selector",
                            f"involvedObject.name={pod},type=Warning")["items"]
    events.sort(key=lambda e: e.get("lastTimestamp") or "")
    return events[-1]["message"] if events else "no warning among its events"


def read(setup, pod, path, container="main"):
    return setup.kube.exec(NAMESPACE, pod, 'cat "$1"', path, container=container)


def label(setup, pod, text):
    setup.kube.run("-n", NAMESPACE, "label", "--overwrite", "pod", pod, text)


def shows(setup, pod, path, text, container="main"):
    setup.kube.wait(f"{text} in {pod}:{path}",
                    lambda: text in read(setup, pod, path, container), every=0.1)
