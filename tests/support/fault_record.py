"""What the tiers `faults` and `triton` tried, as `--record-faults FILE` keeps it for the docs: only what held."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FaultRecord:
    """Counts tries of each fault or input, with what happened and what was lost."""

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def held(self, kind: str, fault: str, happened: str, lost: str = "nothing", tried: int = 1) -> None:
        """Note that a fault was tried so often, and that the test's claims held. Call it last in a test."""
        entry = self.entries.setdefault(
            (kind, fault), {"kind": kind, "fault": fault, "tried": 0, "happened": happened, "lost": lost}
        )
        entry["tried"] += tried

    def write(self, path: Path) -> None:
        """Write all of it, sorted, as JSON."""
        rows = [self.entries[key] for key in sorted(self.entries)]
        path.write_text(json.dumps({"faults": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
