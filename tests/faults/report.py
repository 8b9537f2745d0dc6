"""The report of a run: what was done to the platform, and what had become of the readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

BEGIN, END = "<!-- make test-faults writes: {} -->", "<!-- end -->"


@dataclass
class Row:
    """All faults of one kind."""

    in_flight: list[int] = field(default_factory=list)
    healed: list[float] = field(default_factory=list)


@dataclass
class Report:
    """What a run came to. `lost_with_broker`: the broker alone had them when it was killed."""

    title: str
    faults: dict[str, Row] = field(default_factory=dict)
    acknowledged: int = 0
    found: int = 0
    lost_with_broker: int = 0
    mails: int = 0
    mails_sent: int = 0
    mail_copies: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def note(self, fault: str, in_flight: int, healed: float) -> None:
        """One fault happened."""
        row = self.faults.setdefault(fault, Row())
        row.in_flight.append(in_flight)
        row.healed.append(healed)
        print(f"{fault}: {in_flight} posts in flight, healed in {healed:.1f} s", flush=True)

    def lines(self) -> Iterable[str]:
        """It, as Markdown."""
        yield f"### {self.title}"
        yield ""
        yield "| fault | times | posts in flight, least and most | seconds to heal, longest |"
        yield "|---|---:|---:|---:|"
        for fault, row in self.faults.items():
            flying = f"{min(row.in_flight)} to {max(row.in_flight)}"
            yield f"| {fault} | {len(row.in_flight)} | {flying} | {max(row.healed):.1f} |"
        yield ""
        yield "| readings acknowledged | found | difference | lost with the killed broker |"
        yield "|---:|---:|---:|---:|"
        difference = self.acknowledged - self.found
        yield f"| {self.acknowledged} | {self.found} | {difference} | {self.lost_with_broker} |"
        yield ""
        yield "| mails written | sent at least once | copies in all |"
        yield "|---:|---:|---:|"
        yield f"| {self.mails} | {self.mails_sent} | {self.mail_copies} |"
        yield ""
        yield "| what clients saw | times |"
        yield "|---|---:|"
        for answer, times in sorted(self.answers.items()):
            yield f"| {answer} | {times} |"


def write(file: Path, name: str, report: Report) -> None:
    """Put a report between the marks of this name in a document."""
    before, begin, rest = file.read_text().partition(BEGIN.format(name))
    _, end, after = rest.partition(END)
    assert end, f"{file} has no place for the report {name}"
    written = "\n".join(report.lines())
    file.write_text(f"{before}{begin}\n\n{written}\n\n{end}{after}")
