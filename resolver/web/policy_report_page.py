"""The report of a policy, ``darban report``: one page to print, which loads nothing."""

from resolver.audit.policy_report import Report
from resolver.policy.compiled import CompiledConfig
from resolver.system.time_zones import time_zone
from resolver.web.rendering import Page
from resolver.web.titles import Titles

_PAGE = Page("policy_report", "base.css", "status_page.css", "report.css")


def page(report: Report, compiled: CompiledConfig, language: str) -> str:
    """The page as HTML; ``compiled`` is the policy that is reported."""
    zone = time_zone(compiled.settings.report.time_zone)
    return _PAGE.render(language, zone, report=report, titles=Titles(compiled, language))
