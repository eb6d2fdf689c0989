"""The report of ``darban report``: one page to print, which loads nothing."""

from resolver.analysis.report import Report
from resolver.web.rendering import Page

_PAGE = Page("report", "base.css", "status_page.css", "report.css")


def page(report: Report, language: str) -> str:
    """The page as HTML."""
    return _PAGE.render(language, report=report)
