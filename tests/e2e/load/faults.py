# SPDX-License-Identifier: Apache-2.0
"""Failures that our processes have logged (JSON lines)."""
import json

# A reflector's line for each watch or list that failed; client/watch/reflector.cc.
FAULT = "following the API server failed"


def faults(text):
    """The lines that tell of a failed list or watch, shortened."""
    found = []
    for line in text.splitlines():
        if FAULT in line:
            try:
                entry = json.loads(line)
                found.append(f'{entry.get("resource", "?")}: {entry.get("error", line)}')
            except ValueError:
                found.append(line)
    return found
