#!/usr/bin/env python3
"""Judges our server, pebble and caddy, and writes what came of it into docs/conformance.md between its two marks.

    table.py RUN [words for RUN]      RUN: tests/conformance/run
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- written by tests/conformance/run --table -->\n", "<!-- end -->\n"
SERVERS = ["ours", "pebble", "caddy"]
MARKS = {"pass": "pass", "fail": "**fail**", "not-applicable": "-"}


def judge(server):
    ran = subprocess.run([sys.argv[1], server, *sys.argv[2:], "--output", "json"], stdout=subprocess.PIPE, check=False)
    if ran.returncode not in (0, 1):
        sys.exit(f"table: the run against {server} ended with {ran.returncode}")
    return json.loads(ran.stdout)


def version(package):
    ran = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout


def levels():
    lines = (ROOT / "tests/conformance/ids").read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if line and line[0] != "#"}


def cell(verdict):
    if verdict["verdict"] == "fail" and "divergence" in verdict:
        return "divergence"
    return MARKS[verdict["verdict"]]


def text_of(finding):
    finding = re.sub(r"https://127\.[0-9.]+:\d+/[^\s:]*", "(URL)", finding)  # differs from run to run
    cut = finding if len(finding) <= 160 else finding[:157] + "..."
    return cut.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def main():
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = dict(zip(SERVERS, pool.map(judge, SERVERS)))
    by_id = {server: {v["id"]: v for v in result["verdicts"]} for server, result in results.items()}
    level = levels()
    out = [BEGIN, "\n"]
    out.append("| | lenscap | pebble " + version("pebble") + " | caddy " + version("caddy") + " |\n|---|---|---|---|\n")
    for name in ("passed", "failed", "skipped"):
        out.append(f"| {name} | " + " | ".join(str(results[s][name]) for s in SERVERS) + " |\n")
    out.append(f"| of the failed: listed divergences | {results['ours']['listed_divergences']} | | |\n")
    out.append("\n## Each duty\n\nM: the standard demands it; S: it advises it; A: a step that the protocol needs. "
               "A dash: not applicable there.\n\n")
    out.append("| id | | duty, as it is seen from outside | lenscap | pebble | caddy |\n|---|---|---|---|---|---|\n")
    for verdict in results["ours"]["verdicts"]:
        cells = " | ".join(cell(by_id[s][verdict["id"]]) for s in SERVERS)
        out.append(f"| {verdict['id']} | {level[verdict['id']]} | {verdict['title']} | {cells} |\n")
    out.append("\n## What failed\n")
    for server in SERVERS:
        out.append(f"\n### {'lenscap' if server == 'ours' else server}\n\n")
        for verdict in results[server]["verdicts"]:
            if verdict["verdict"] != "fail":
                continue
            reason = f" ({verdict['divergence']})" if "divergence" in verdict else ""
            more = len(verdict["findings"]) - 2
            findings = "; ".join(text_of(f) for f in verdict["findings"][:2]) + (f"; and {more} more" if more > 0 else "")
            out.append(f"- {verdict['id']}: {findings}{reason}\n")
    out.append("\n" + END)
    page = PAGE.read_text()
    head, rest = page.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    PAGE.write_text(head + "".join(out) + tail)
    for server in SERVERS:
        r = results[server]
        print(f"{server}: {r['passed']} passed, {r['failed']} failed, {r['skipped']} skipped")


main()
