# SPDX-License-Identifier: Apache-2.0
"""kubectl as functions, and waiting. A caller with several threads has a Kube for each."""
import json
import subprocess
import time
import urllib.request

from .report import Failed


class Kube:
    def __init__(self, timeout):
        self.timeout = timeout
        self.proxy = None
        self.proxy_url = None

    def run(self, *args, stdin=None, check=True):
        done = subprocess.run(["kubectl", *args], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=self.timeout + 60)
        if check and done.returncode != 0:
            raise Failed(f"kubectl {' '.join(args[:5])}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def silent(self, *args):
        """The output of a command that must not say a word on standard error."""
        done = subprocess.run(["kubectl", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=self.timeout)
        if done.returncode != 0 or done.stderr:
            raise Failed(f"kubectl {' '.join(args[:5])}: {done.stderr.strip()[-600:]}")
        return done.stdout

    def minor(self):
        """The server's minor version: 37 of 1.37."""
        version = json.loads(self.run("version", "-o", "json"))["serverVersion"]
        return int(version["minor"].rstrip("+"))

    def get(self, *args):
        return json.loads(self.run("get", *args, "-o", "json"))

    def apply(self, objects, *flags):
        self.run("apply", *flags, "-f", "-", stdin=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": objects}))

    def exec(self, namespace, pod, script, *args, container=None, check=True):
        """Runs a shell script in a container, with $1, $2, ... and returns its output."""
        where = ["-c", container] if container else []
        return self.run("-n", namespace, "exec", pod, *where, "--", "sh", "-c", script, "sh", *args,
                        check=check)

    def start_exec(self, namespace, pod, script, *args):
        return subprocess.Popen(
            ["kubectl", "-n", namespace, "exec", pod, "--", "sh", "-c", script, "sh", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait(self, what, condition, every=0.3, timeout=None):
        """Asks until the condition is true, and returns what it returned. A text is no value: it
        says what is missing, and is in the error if time runs out."""
        timeout = timeout or self.timeout
        end = time.monotonic() + timeout
        why = None
        while time.monotonic() < end:
            answer = condition()
            if answer and not isinstance(answer, str):
                return answer
            why = answer or why
            time.sleep(every)
        raise Failed(f"waited {timeout:.0f} s for {what}" + (f": {why}" if why else ""))

    def patch(self, namespace, pod, metadata):
        """Changes labels or annotations without the start-up time of a kubectl; returns when it
        asked."""
        if self.proxy is None:
            self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE,
                                          stderr=subprocess.DEVNULL, text=True)
            self.proxy_url = "http://" + self.proxy.stdout.readline().split()[-1]
        request = urllib.request.Request(
            f"{self.proxy_url}/api/v1/namespaces/{namespace}/pods/{pod}",
            json.dumps({"metadata": metadata}).encode(), method="PATCH",
            headers={"Content-Type": "application/merge-patch+json"})
        asked = time.time()
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
        return asked

    def close(self):
        if self.proxy is not None:
            self.proxy.kill()
            self.proxy.wait()
