"""Findings as commands show them: a mark, what was looked at, how it stands, and what to do."""

from collections.abc import Iterable

from paygate.cli.output import show
from paygate.diagnosis import Finding, Verdict

MARKS = {
    Verdict.GOOD: ("✓", "green"),
    Verdict.BAD: ("✗", "bold red"),
    Verdict.UNSURE: ("?", "yellow"),
}


def print_findings(findings: Iterable[Finding]) -> None:
    """Show findings to a person, each with its cure below it."""
    for finding in findings:
        mark, style = MARKS[finding.verdict]
        show((f"{mark} {finding.subject}: ", style), finding.what)
        if finding.cure:
            show((f"    {finding.cure}", "dim"))


def plain_finding(finding: Finding) -> dict[str, str]:
    """A finding for programs."""
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "what": finding.what,
        "cure": finding.cure,
    }
