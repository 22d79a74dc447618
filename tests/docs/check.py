#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""check.py: what the documentation names in backticks must exist: files and directories of the tree, Class::member,
functions, options; every parameter of the module is in docs/debugging.md. Prints `FILE:LINE: NAME: what is wrong`, and exits
with 1 if there was anything."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOT_ITSELF = pathlib.Path(".")
SOURCES = (".c", ".h", ".cpp", ".S", ".py", ".sh", ".cmake", ".txt", ".lds", ".inc", ".mk")
# `file.cpp (function, function)`, and lists of files in italics: `*monitor/world/tables.cpp, host.cpp*`.
PLACE = re.compile(r"([\w/.-]+\.(?:c|cpp|h|S|py|sh)) \((\w+(?:, \w+)*)\)")
ITALIC = re.compile(r"(?<![*\w])\*([^*`]+)\*(?!\*)")
PARAMETER = re.compile(r"^module_param(?:_named)?\((\w+)", re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
PATH = re.compile(r"^[\w.+-]+(/[\w.*+-]+)*\.(c|h|cpp|S|py|sh|md|cmake|txt|lds|inc|config)$")
DIRECTORY = re.compile(r"^[\w.-]+(/[\w.-]+)*/$")
MEMBER = re.compile(r"^(?:[A-Za-z_]\w*::)*([A-Z]\w*)::(~?[A-Za-z_]\w*|\*)(\(\))?$")
OPTION = re.compile(r"^(--[a-z][a-z-]+)\b")
FUNCTION = re.compile(r"^([a-z_][a-z0-9_]{3,})\(\)$")
# Of the emulators, the kernel and the tools that the texts speak of.
FOREIGN = {"vmap"}


def spans(text):
    """Line number and content of each `...` outside of code blocks."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span


class Tree:
    def __init__(self):
        self.files = []
        for directory, inner, names in os.walk(ROOT):
            here = pathlib.Path(directory).relative_to(ROOT)
            inner[:] = [name for name in inner if name != "__pycache__" and not (here == ROOT_ITSELF and name.startswith(("build", ".")))]
            self.files += [str(here / name) for name in names]
        self.names = {pathlib.PurePath(name).name for name in self.files}
        code = [name for name in self.files if name.endswith(SOURCES) or "/" not in name and "." not in name]
        texts = [(ROOT / name).read_text(errors="replace") for name in code]
        self.text = "\n".join(texts)
        self.functions = set(re.findall(r"\w+", "\n".join(COMMENT.sub("", text) for text in texts)))
        # The words of all files that declare a class, or a test suite, of that name.
        self.members = {}
        for text in (COMMENT.sub("", text) for text in texts):
            declared = re.findall(r"^\s*(?:enum )?(?:class|struct|namespace) (?:\[\[\w+\]\] |alignas\(\w+\) )?(\w+)", text, re.M)
            suites = re.findall(r"^TEST(?:_F|_P)?\((\w+),", text, re.M)
            for owner in set(declared + suites):
                self.members.setdefault(owner, set()).update(re.findall(r"~?\w+", text))

    def has_member(self, owner, member):
        return member == "*" and owner in self.members or member in self.members.get(owner, ())

    def has_path(self, path, beside):
        if any(pathlib.PurePath(name).match(path) for name in self.files):
            return True
        return (beside / path).exists()

    def has_directory(self, path):
        return any(("/" + name).find("/" + path) >= 0 for name in self.files)

    def complaint(self, span, beside):
        if PATH.match(span):
            return None if self.has_path(span, beside) else "there is no such file"
        if DIRECTORY.match(span):
            return None if self.has_directory(span) else "there is no such directory"
        if member := MEMBER.match(span):
            return None if self.has_member(member[1], member[2]) else "no such member in the code"
        if option := OPTION.match(span):
            known = re.search(rf"{option[1]}(?![\w-])", self.text) or f'"{option[1][2:]}"' in self.text
            return None if known else "no such option in the code"
        if function := FUNCTION.match(span):
            return None if function[1] in self.functions | FOREIGN else "no such function in the code"
        return None


    def places(self, text):
        """Complaints about each `file.cpp (function, function)`: the words must be in that file, outside of comments."""
        for number, line in enumerate(text.splitlines(), 1):
            for path, functions in PLACE.findall(line):
                found = [COMMENT.sub("", (ROOT / name).read_text()) for name in self.files if pathlib.PurePath(name).match(path)]
                if not found:
                    yield number, path, "there is no such file"
                for function in functions.split(", ") if found else ():
                    if not any(re.search(rf"\b{function}\b", code) for code in found):
                        yield number, f"{path} ({function})", "not in that file"

    def lists(self, text, beside):
        """Complaints about the files that `*a.cpp, b.h*` names."""
        for number, line in enumerate(text.splitlines(), 1):
            for word in re.split(r"[\s,;:()]+", " ".join(ITALIC.findall(line))):
                if PATH.match(word) and not self.has_path(word, beside):
                    yield number, word, "there is no such file"

    def parameters(self):
        return sorted(PARAMETER.findall(self.text))


def main():
    tree = Tree()
    wrong = 0
    debugging = (ROOT / "docs/debugging.md").read_text()
    for parameter in tree.parameters():
        if not re.search(rf"^\| `{parameter}[=`]", debugging, re.M):
            print(f"docs/debugging.md: {parameter}: this parameter of the module is missing")
            wrong += 1
    for name in ["README.md"] + sorted(n for n in tree.files if n.startswith("docs/") and n.endswith(".md")):
        document = ROOT / name
        text = document.read_text()
        complaints = [(number, span, tree.complaint(span, document.parent)) for number, span in spans(text)]
        for number, what, complaint in complaints + list(tree.places(text)) + list(tree.lists(text, document.parent)):
            if complaint:
                print(f"{name}:{number}: {what}: {complaint}")
                wrong += 1
    print(f"{wrong} names in the documentation are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
