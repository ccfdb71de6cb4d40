"""Print the README's shell commands, in order, so that what it promises is what CI runs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def commands(text: str) -> list[str]:
    """Contents of the ``sh`` blocks of a Markdown text."""
    blocks = [block.strip() for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)]
    if not blocks:
        raise SystemExit(f"{README}: no sh block found")
    return blocks


def main() -> None:
    """Print the blocks that hold a word, or those that do not, experiments at one preset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--with", dest="word", help="only blocks that hold this word")
    parser.add_argument("--without", help="only blocks that do not hold this word")
    parser.add_argument("--preset", help="preset added to every experiment")
    options = parser.parse_args()
    for block in commands(README.read_text(encoding="utf-8")):
        if options.word and options.word not in block:
            continue
        if options.without and options.without in block:
            continue
        preset = f" --preset {options.preset}" if options.preset else ""
        print(re.sub(r"(-m experiments\.\w+)", rf"\1{preset}", block))


if __name__ == "__main__":
    main()
