"""Print one of the README's two set-up commands: ``readme_command.py demo`` or ``test``.

CI calls the commands that readers call, and not a copy of them. Needs nothing but Python.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
ORDER = ("demo", "test")


def command(name: str) -> str:
    """The README's command of that name: its first or its second ``sh`` block."""
    found = re.findall(r"^```sh\n(.*?)\n```$", README.read_text(encoding="utf-8"), re.M | re.S)
    if len(found) != len(ORDER):
        sys.exit(f"the README has {len(found)} sh blocks; expected: {', '.join(ORDER)}")
    return str(found[ORDER.index(name)])


if __name__ == "__main__":
    print(command(sys.argv[1]))
