"""Write each plugin's capability table into its page of the docs, from the code."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from paygate import adapters
from paygate.capabilities import OPERATIONS, table

ROOT: Final = Path(__file__).parent.parent
BEGIN: Final = "<!-- capabilities: made by `python -m scripts.capabilities`; a test compares -->\n"
END: Final = "<!-- end of capabilities -->\n"
PAGES: Final = {name: ROOT / "docs" / f"{name}.md" for name in ("ayolinx", "midtrans")}


def markdown(adapter: str) -> str:
    """The table of an adapter as Markdown."""
    rows = table(adapters.find(adapter).load())
    names = OPERATIONS[:-1]  # a callback tells its own method
    head = ["| method | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    body = (
        f"| `{method}` | " + " | ".join("yes" if row[name] else "no" for name in names) + " |"
        for method, row in rows
    )
    return "\n".join([*head, *body, ""])


def written(page: str, content: str) -> str:
    """A page with its table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{content}{END}{after}"


def main(chosen: Iterable[str]) -> None:
    """Write the tables of the adapters named, or of all that have a page."""
    for adapter in tuple(chosen) or PAGES:
        page = PAGES[adapter]
        page.write_text(written(page.read_text(), markdown(adapter)))
        print(page.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
