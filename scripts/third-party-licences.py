#!/usr/bin/env python3
"""Prints the licences of everything that is linked into the program for a target: third-party-licences.py TARGET."""

import json
import pathlib
import subprocess
import sys

NAMES = ("licen", "copying", "notice", "copyright")


def linked(metadata):
    """The packages that the program is linked with, by name and version."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    waiting, found = [root], {root}
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            if None in kinds and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    # The workspace's own packages are under the program's licence.
    found -= set(metadata["workspace_members"])
    packages = [package for package in metadata["packages"] if package["id"] in found]
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The texts of its licences, as it comes with them."""
    directory = pathlib.Path(package["manifest_path"]).parent
    files = [file for file in sorted(directory.iterdir()) if file.name.lower().startswith(NAMES)]
    return [file.read_text(errors="replace").strip() for file in files if file.is_file()]


def main():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", sys.argv[1]]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    printed = {}
    for package in linked(metadata):
        print(f"== {package['name']} {package['version']}: {package['license'] or package['license_file']}\n")
        found = texts(package)
        if not found:
            print("(its sources come without the text)\n")
        for text in found:
            first = printed.setdefault(text, package["name"])
            print(f"(as {first}'s)\n" if first != package["name"] else f"{text}\n")


if __name__ == "__main__":
    main()
