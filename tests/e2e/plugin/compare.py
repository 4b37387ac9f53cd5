# SPDX-License-Identifier: Apache-2.0
"""Two volumes of one pod, listed from inside a container and compared."""
import base64
import re

from .setup import NAMESPACE

LIST = r"""
cd "$1" || exit 1
find . | while IFS= read -r p; do
  if [ -L "$p" ]; then kind=l more=$(readlink "$p")
  elif [ -d "$p" ]; then kind=d more=
  else kind=f more=$(base64 <"$p" | tr -d '\n') || exit 1
  fi
  echo "$p|$kind|$(stat -c '%a %u:%g' "$p")|$more"
done
"""
STAMP = re.compile(r"\.\.20\d\d(_\d\d){5}\.\d+")
# The kubelet puts these into its own volume's annotations; they are in no API object.
KUBELETS_OWN = re.compile(rb'^kubernetes\.io/config\.(seen|source)="[^\n]*"\n?', re.MULTILINE)


def listing(kube, pod, path, container="main"):
    """{name: (kind, mode and owner, link target or bytes)}; time stamps are all TIME."""
    found = {}
    for line in kube.exec(NAMESPACE, pod, LIST, path, container=container).splitlines():
        name, kind, mode, more = line.split("|", 3)
        if kind == "f":
            more = KUBELETS_OWN.sub(b"", base64.b64decode(more)).rstrip(b"\n")
        else:
            more = STAMP.sub("TIME", more)
        found[STAMP.sub("TIME", name)] = (kind, mode, more)
    return found


def differences(ours, theirs):
    """One line for each name that differs."""
    lines = [f"only ours: {n}" for n in sorted(ours.keys() - theirs.keys())]
    lines += [f"only the kubelet's: {n}" for n in sorted(theirs.keys() - ours.keys())]
    lines += [f"{n}: ours {ours[n]}, the kubelet's {theirs[n]}"
              for n in sorted(ours.keys() & theirs.keys()) if ours[n] != theirs[n]]
    return lines
