# SPDX-License-Identifier: Apache-2.0
"""Reads expressions of Prometheus as far as names go: whether each metric, label and label's value is
one that a page of metrics has. No evaluation; Prometheus itself refuses a wrong grammar."""
import re

SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$")
LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
MATCHER = re.compile(r'\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
SELECTOR = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)\s*(\{[^{}]*\}|\()?")
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
FUNCTIONS = {"absent", "avg", "clamp_max", "clamp_min", "count", "histogram_quantile", "increase", "max",
             "max_over_time", "min", "rate", "sum", "topk", "vector"}
# Labels that Prometheus adds: those of the target.
TARGET = {"instance", "job", "namespace", "pod"}


class Page:
    """The text of /metrics: {sample: {label: set of values}}."""

    def __init__(self, text):
        self.samples = {}
        self.families = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
        for line in text.splitlines():
            found = SAMPLE.match(line)
            if not found or line.startswith("#"):
                continue
            labels = self.samples.setdefault(found[1], {})
            for name, value in LABEL.findall(found[2] or ""):
                labels.setdefault(name, set()).add(value)

    def faults(self, expression):
        """One line for each name of the expression that the page does not have."""
        found, used = [], set(TARGET)
        text = re.sub(r"\[[^\]]*\]", "", expression)
        groupings = [(m[1], m[2]) for m in GROUPING.finditer(text)]
        text = GROUPING.sub(" ", text)
        metrics = 0
        for name, more in SELECTOR.findall(text):
            if name in WORDS:
                continue
            if more == "(":
                if name not in FUNCTIONS:
                    found.append(f"{name}() is no function that is known here")
                continue
            metrics += 1
            if name not in self.samples:
                found.append(f"no metric {name}")
                continue
            used |= set(self.samples[name])
            found += self.matcher_faults(name, more[1:-1] if more else "")
        if not metrics:
            found.append("no metric is named")
        for word, names in groupings:
            for label in filter(None, (n.strip() for n in names.split(","))):
                if label not in used:
                    found.append(f"{word} ({label}): no metric there has that label")
        return found

    def matcher_faults(self, metric, text):
        has, found, at = self.samples[metric], [], 0
        while at < len(text):
            match = MATCHER.match(text, at)
            if not match:
                return found + [f"{metric}{{{text}}}: cannot be read"]
            at = match.end()
            label, operator, value = match.groups()
            if label in TARGET:
                continue
            if label not in has:
                found.append(f"{metric} has no label {label}")
                continue
            for one in value.split("|") if "~" in operator else [value]:
                if one not in has[label]:
                    found.append(f"{metric}: {label} is never {one}")
        return found
