# SPDX-License-Identifier: Apache-2.0
"""The floors of the project: which folder may include which.

The rule is the table below "## The folders" in docs/architecture.md, from the top floor down. A row
names a folder and the folders that it may include; those must be rows further down, so an arrow
upwards and a circle cannot be written as a rule. check() holds the tree against it: each #include of
a file of the project, each library that a CMakeLists.txt links, and each folder with sources.
"""
import os
import re
import subprocess

EVERYTHING = "everything"
NOTHING = "nothing of ours"
# Folders of programs that use the product; nothing of it may include them.
USERS = ("tests", "docs")


def sources(root):
    """The tracked files of `root`, and new ones that git does not ignore; without git, all of them."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True)
    if listed.returncode == 0:
        files = [f for f in listed.stdout.splitlines() if os.path.exists(os.path.join(root, f))]
    else:
        files = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith((".", "build"))]
            files += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(files)


def read_table(text):
    """The rows of the table of folders: a list of (folder, set of folders or EVERYTHING)."""
    section = text.split("\n## The folders\n", 1)
    if len(section) < 2:
        raise ValueError("docs/architecture.md has no section '## The folders'")
    rows = []
    for line in section[1].split("\n## ", 1)[0].splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or not cells[0].startswith("`"):
            continue
        folder = cells[0].strip("`").rstrip("/")
        if cells[2] in (EVERYTHING, ""):
            allowed = EVERYTHING
        elif cells[2] == NOTHING:
            allowed = set()
        else:
            allowed = {name.strip().strip("`").rstrip("/") for name in cells[2].split(",")}
        rows.append((folder, allowed))
    if not rows:
        raise ValueError("the table of folders in docs/architecture.md has no rows")
    return rows


def check_table(rows):
    """The faults of the rule itself."""
    problems = []
    names = [folder for folder, _ in rows]
    for floor, (folder, allowed) in enumerate(rows):
        for other in () if allowed == EVERYTHING else sorted(allowed):
            if other not in names:
                problems.append(f"table: {folder}/ may include {other}, which is not a folder of the table")
            elif names.index(other) <= floor:
                problems.append(f"table: {folder}/ may include {other}/, which is not below it")
    return problems


def folder_of(path, names):
    """The row that `path` belongs to: the longest folder that contains it."""
    fitting = [n for n in names if path.startswith(n + "/")]
    return max(fitting, key=len) if fitting else None


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)
LIBRARY = re.compile(r"downwardfs_library\(\s*(\w+)([^)]*)\)")
LINKS = re.compile(r"\bdownwardfs_(\w+)")


def check(root):
    """All violations of the tree below `root`, one line each."""
    with open(os.path.join(root, "docs/architecture.md"), encoding="utf-8") as page:
        rows = read_table(page.read())
    problems = check_table(rows)
    rule = dict(rows)
    files = sources(root)
    known = set(files)

    def may(folder, other):
        if folder == other:
            return True
        if other.split("/")[0] in USERS:
            return False
        return rule[folder] == EVERYTHING or other in rule[folder]

    def refuse(place, folder, other, verb):
        names = [f for f, _ in rows]
        way = "upwards" if names.index(other) < names.index(folder) else "that the table does not have"
        problems.append(f"{place}: {folder}/ {verb} {other}/, an arrow {way}")

    homes = {}  # library -> folder
    for path in files:
        if os.path.basename(path) == "CMakeLists.txt":
            with open(os.path.join(root, path), encoding="utf-8") as listing:
                for name, _ in LIBRARY.findall(listing.read()):
                    homes[name] = os.path.dirname(path)

    unlisted = set()
    for path in files:
        top = path.split("/")[0]
        is_source = re.search(r"\.(cc|cpp|cxx|c|h|hh|hpp|hxx|inc)(\.in)?$", path)
        is_listing = os.path.basename(path) == "CMakeLists.txt"
        if top in USERS or "/" not in path or not (is_source or is_listing):
            continue
        folder = folder_of(path, rule)
        if is_source and (folder is None or os.path.dirname(path) != folder):
            unlisted.add(os.path.dirname(path))
            continue
        with open(os.path.join(root, path), encoding="utf-8") as source:
            text = source.read()
        if is_listing:
            for name, body in LIBRARY.findall(text):
                for link in LINKS.findall(body):
                    home = homes.get(link)
                    if home is not None and folder is not None and home in rule and not may(folder, home):
                        refuse(f"{path}: downwardfs_{name}", folder, home, "links")
            continue
        for match in INCLUDE.finditer(text):
            quote, name = match.groups()
            place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
            beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
            target = next((t for t in (os.path.normpath(name), beside) if t in known), None)
            if target is None:
                if quote == '"' and not name.endswith(".pb.h"):
                    problems.append(f'{place}: #include "{name}" names no file of the project')
                continue
            other = folder_of(target, rule)
            if other is None:
                unlisted.add(os.path.dirname(target))
            elif not may(folder, other):
                refuse(place, folder, other, f"includes {target} of")
    for folder in sorted(unlisted):
        problems.append(f"{folder}/ has sources and is not in the table of docs/architecture.md")
    for folder, _ in rows:
        if not any(f.startswith(folder + "/") for f in files):
            problems.append(f"table: {folder}/ does not exist")
    return problems
