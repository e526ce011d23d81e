"""Every output file of a campaign, made from its result alone.

Knows: which file is of which format. A format's module is imported when its file is made: jinja2 takes its time.
Must never: write a file, or make one from anything but the result.
"""

from __future__ import annotations

from range.judging.result import CampaignResult


def outputs(result: CampaignResult) -> dict[str, str]:
    """File name -> text of every output. The same result gives the same texts.

    docs/outputs.md says what each is for.
    """
    from range.report.attire import attire
    from range.report.data import to_json
    from range.report.html import page
    from range.report.junit import junit
    from range.report.markdown import markdown
    from range.report.navigator import navigator
    from range.report.ocsf import ocsf
    from range.report.sarif import sarif
    from range.report.stix import stix

    return {
        "result.json": to_json(result),
        "report.html": page(result),
        "report.md": markdown(result),
        "junit.xml": junit(result),
        "results.sarif": sarif(result),
        "navigator.json": navigator(result),
        "findings.ocsf.jsonl": ocsf(result),
        "results.stix.json": stix(result),
        "attire.json": attire(result),
    }
