"""A report as files: every format and figure in the lab's `reports/`, under a run of its own that MLflow mirrors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from triadic.reports import figures, output, scripts
from triadic.reports.report import Report
from triadic.schema.keys import content_key
from triadic.schema.lab import Lab
from triadic.schema.lifecycle import Work, is_finished, record_event
from triadic.schema.vocabulary import Stage, Status


def save(lab: Lab, report: Report, how: dict[str, Any]) -> Path:
    """Write the report into `reports/NAME-ID/` and enter it as a finished run; returns the folder.

    The id hashes the settings (`how`) and the figures themselves: the same report of the same data is the same run, and
    a report of newer data stands beside the older one.
    """
    content = [json.loads(output.render_text(table.frame, "json")) for table in report.tables]
    work = Work(Stage.report, None, {"report": report.name, **how, "digest": content_key(content)})
    folder = lab.reports / f"{report.name}-{work.run_id[:8]}"
    files = output.write(report, folder) + figures.save(report, folder)
    if isinstance(report, scripts.ScriptedReport):
        files += scripts.write(report, folder / f"{report.name}{scripts.SUFFIX}")
    run_id = work.begin(lab)
    if not is_finished(lab, run_id):
        record_event(lab, run_id, Status.finished, folder=folder.name, files=len(files))
    return folder
