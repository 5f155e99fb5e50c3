import re
from pathlib import Path
from typing import Final

import msgspec
import pytest
from paygate_ayolinx.settings import Settings as AyolinxSettings
from paygate_midtrans.settings import Settings as MidtransSettings

from paygate.settings import HOST_KEYS
from scripts import capabilities

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("adapter", "settings"), [("ayolinx", AyolinxSettings), ("midtrans", MidtransSettings)]
)
def test_every_setting_of_a_plugin_is_documented(adapter: str, settings: type[msgspec.Struct]) -> None:
    """Its page names each key."""
    page = (ROOT / "docs" / f"{adapter}.md").read_text()
    for key in (*HOST_KEYS, *(field.encode_name for field in msgspec.structs.fields(settings))):
        assert f"`{key}`" in page, key


@pytest.mark.parametrize("adapter", capabilities.PAGES)
def test_capability_tables_are_what_the_code_says(adapter: str) -> None:
    """Making the table anew changes nothing in the page."""
    page = capabilities.PAGES[adapter].read_text()
    assert capabilities.BEGIN in page
    assert capabilities.written(page, capabilities.markdown(adapter)) == page


def test_every_decision_is_listed() -> None:
    """The list of decisions is complete."""
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for page in ROOT.glob("docs/decisions/0*.md"):
        assert page.name in listed
