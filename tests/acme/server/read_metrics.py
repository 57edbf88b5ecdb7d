#!/usr/bin/env python3
"""Reads Prometheus' text format (version 0.0.4) from standard input, strictly, by its description and not by any
library's habits. Prints one "name{labels} value" line for each sample, or says what is wrong and ends with 1."""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def fail(why, line):
    sys.exit(f"{why}: {line!r}")


def read_labels(text, line):
    labels = []
    while text:
        found = LABEL.match(text)
        if not found:
            fail("no label", line)
        labels.append(found.groups())
        text = text[found.end():]
        if text and not text.startswith(","):
            fail("no comma between labels", line)
        text = text[1:]
    if len({name for name, _ in labels}) != len(labels):
        fail("a label twice", line)
    return labels


def family_of(name, types):
    if name in types:
        return name
    for suffix in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(suffix)
        if base != name and types.get(base) == "histogram":
            return base
    return None


def main():
    text = sys.stdin.read()
    if not text.endswith("\n"):
        sys.exit("the last line does not end")
    types, samples, last, closed = {}, {}, None, set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            _, word, name, rest = line.split(" ", 3)
            if word == "TYPE":
                if name in types or rest not in ("counter", "gauge", "histogram"):
                    fail("a type twice, or an unknown one", line)
                types[name] = rest
            continue
        found = NAME.match(line)
        if not found:
            fail("no name", line)
        name, rest = found.group(), line[found.end():]
        labels = []
        if rest.startswith("{"):
            end = rest.rindex("}")
            labels, rest = read_labels(rest[1:end], line), rest[end + 1:]
        if not rest.startswith(" ") or not NUMBER.fullmatch(rest[1:]):
            fail("no value", line)
        family = family_of(name, types)
        if family is None:
            fail("a sample without a type", line)
        if family != last and family in closed:
            fail("a family in two places", line)
        closed.add(last)
        last = family
        key = (name, tuple(sorted(labels)))
        if key in samples:
            fail("a sample twice", line)
        samples[key] = float(rest[1:])
        if types[family] == "counter" and (samples[key] < 0 or not name.endswith("_total")):
            fail("no counter", line)
    check_histograms(types, samples)
    for (name, labels), value in samples.items():
        print(name + "{" + ",".join(f'{label}="{word}"' for label, word in labels) + "} " + f"{value!r}")


def check_histograms(types, samples):
    series = {}
    for (name, labels), value in samples.items():
        base = name.removesuffix("_bucket")
        if base != name and types.get(base) == "histogram":
            others = tuple(pair for pair in labels if pair[0] != "le")
            series.setdefault((base, others), []).append((float(dict(labels)["le"]), value))
    for (base, labels), buckets in series.items():
        buckets.sort()
        counts = [count for _, count in buckets]
        if counts != sorted(counts) or buckets[-1][0] != float("inf"):
            sys.exit(f"{base}{labels}: buckets do not add up, or the last is not +Inf")
        if samples.get((base + "_count", labels)) != counts[-1] or (base + "_sum", labels) not in samples:
            sys.exit(f"{base}{labels}: no count or sum, or another one")


main()
