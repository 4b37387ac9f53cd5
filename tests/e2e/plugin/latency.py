# SPDX-License-Identifier: Apache-2.0
"""When a change shows in our volume and when in the kubelet's, seen from inside one container."""
import statistics
import time

from .report import Failed
from .setup import NAMESPACE

# Looks at a line of both files until each has the wanted text, without starting a process per look.
WATCH = r"""
want=$1 ours= theirs= looks=0
end=$(($(date +%s) + $4))
has() {
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in *"$want"*) return 0 ;; esac
  done <"$1"
  return 1
}
echo ready
while [ -z "$ours" ] || [ -z "$theirs" ]; do
  [ -n "$ours" ] || { has "$2" && ours=1 && echo ours; }
  [ -n "$theirs" ] || { has "$3" && theirs=1 && echo theirs; }
  looks=$((looks + 1))
  [ $((looks % 1000)) != 0 ] || [ "$(date +%s)" -lt $end ] || exit 1
done
"""


def measure(kube, pod, want, ours, theirs, change):
    """Makes a change and returns the seconds until `want` was in each file, from when it was asked
    for. The time is taken when the watching shell's line comes in: busybox has no clock that is
    fine enough, and the node's need not agree with ours. That adds some milliseconds to both."""
    watch = kube.start_exec(NAMESPACE, pod, WATCH, want, ours, theirs, str(int(kube.timeout)))
    try:
        if watch.stdout.readline().strip() != "ready":
            raise Failed("the watching shell did not start: " + watch.stderr.read()[-300:])
        asked = change()
        seen = {}
        while line := watch.stdout.readline():
            seen[line.strip()] = time.time() - asked
    finally:
        if watch.poll() is None:
            watch.kill()
        watch.communicate()
    if seen.keys() != {"ours", "theirs"}:
        raise Failed(f"{want} was seen by {sorted(seen)} only")
    return seen["ours"], seen["theirs"]


def describe(pairs):
    ours, theirs = (statistics.median(p[i] for p in pairs) * 1000 for i in (0, 1))
    return f"ours {ours:.1f} ms, the kubelet's {theirs:.1f} ms (medians of {len(pairs)})"
