"""The words of the status page, in both languages, side by side.

What stands in braces is put in by the page. Names that an operator types (VLANs, services,
policies, outcomes, keys of ``darban explain``) are the same in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words."""

    title: str
    in_order: str
    needs_a_look: str
    config_not_ok: str
    workers_missing: str
    upstream_down: str
    block_log_fails: str
    exemption_ends: str
    exemption_ended: str
    queries: str
    blocked: str
    would_block: str
    failed: str
    unknown_clients: str
    without_upstream: str
    of_all: str
    audit_only: str
    not_answered: str
    in_no_vlan: str
    of_answers: str
    pause: str
    resume: str
    by_vlan: str
    service: str
    own_rule: str
    nothing_met: str
    other_vlan: str
    of_queries: str
    explain: str
    explain_what: str
    who: str
    who_such_as: str
    name: str
    name_such_as: str
    ask: str
    no_vlan: str
    no_address: str
    no_name: str
    nothing_asked: str
    outcomes: Mapping[str, str]
    policies: str
    policy_of: str
    policy_of_none: str
    blocks: str
    blocks_nothing: str
    enforce: str
    audit: str
    answer: str
    on_ground: str
    contact: str
    directive: str
    narrows: str
    exemptions: str
    no_exemptions: str
    exemption: str
    state: str
    states: Mapping[str, str]
    whom: str
    services: str
    until: str
    approver: str
    upstreams: str
    server: str
    up: str
    down: str
    failures: str
    latency: str
    cache: str
    entries: str
    memory: str
    hit_rate: str
    paths: str
    from_cache: str
    from_upstream: str
    lists: str
    category: str
    names: str
    reviewed: str
    today: str
    ago: str
    fetched: str
    up_to_date: str
    never: str
    server_itself: str
    version: str
    running: str
    in_force: str
    snapshot: str
    workers: str
    workers_of: str
    config: str
    reload: str
    reloads: Mapping[str, str]
    over_time: str


ENGLISH = Words(
    title="Darban: status",
    in_order="All is in order",
    needs_a_look="Something needs a look",
    config_not_ok="What the config says is not in force; darban check says why.",
    workers_missing="Only {workers} of {expected} workers serve.",
    upstream_down="The upstream {server} does not answer.",
    block_log_fails="The block log {file} cannot be written: {why}.",
    exemption_ends="The exemption {exemption} ends on {until}.",
    exemption_ended="The exemption {exemption} ended on {until}.",
    queries="Queries",
    blocked="Blocked",
    would_block="Would be blocked",
    failed="Failed",
    unknown_clients="Unknown clients",
    without_upstream="Answered from here",
    of_all="{share} of all",
    audit_only="counted by audit, not blocked",
    not_answered="no upstream gave an answer",
    in_no_vlan="refused: in no VLAN",
    of_answers="of {answers} answers, without an upstream",
    pause="Pause",
    resume="Go on",
    by_vlan="Blocks by VLAN and service",
    service="Service",
    own_rule="deny of the policy",
    nothing_met="No query has met a rule.",
    other_vlan="not in the config now",
    of_queries="{queries} queries",
    explain="What becomes of a name?",
    explain_what="The policy in force answers, as darban explain does.",
    who="Client or VLAN",
    who_such_as="such as 10.10.3.7 or {vlan}",
    name="Name",
    name_such_as="such as web.telegram.org",
    ask="Explain",
    no_vlan="There is no VLAN “{who}”; there are {vlans}.",
    no_address="“{who}” is no address; such as 10.10.3.7 or fd00:10::37.",
    no_name="“{name}” is no name; such as web.telegram.org.",
    nothing_asked="Say who asks and for which name.",
    outcomes={
        "blocked": "blocked",
        "would_block": "would be blocked",
        "exempted": "exempted",
        "passed": "passes",
        "refused": "refused",
    },
    policies="Policies",
    policy_of="For {vlans}",
    policy_of_none="For no VLAN",
    blocks="Blocks",
    blocks_nothing="nothing",
    enforce="enforced",
    audit="audit: counts and blocks nothing",
    answer="Answer",
    on_ground="Ground",
    contact="Contact",
    directive="directive {number} of {date}",
    narrows="directive {number} of {date}, which narrows {other}",
    exemptions="Exemptions",
    no_exemptions="There are none.",
    exemption="Exemption",
    state="State",
    states={"in force": "in force", "ends soon": "ends soon", "ended": "ended"},
    whom="For",
    services="Services",
    until="Until",
    approver="Approved by, ticket",
    upstreams="Upstreams",
    server="Server",
    up="answers",
    down="does not answer",
    failures="Failures",
    latency="Mean time",
    cache="Cache",
    entries="Answers kept",
    memory="Memory",
    hit_rate="Look-ups that found one",
    paths="How far answers had to go",
    from_cache="Policy or cache",
    from_upstream="Upstream",
    lists="Lists",
    category="Category",
    names="Rules",
    reviewed="Reviewed",
    today="today",
    ago="{span} ago",
    fetched="Fetched list",
    up_to_date="Up to date",
    never="never",
    server_itself="The server",
    version="Version",
    running="Running for",
    in_force="Policy in force for",
    snapshot="Snapshot",
    workers="Workers",
    workers_of="{workers} of {expected}",
    config="Config",
    reload="Last reload",
    reloads={
        "applied": "applied",
        "unchanged": "unchanged",
        "refused": "refused",
        "invalid": "invalid",
        "needs_restart": "needs a restart",
        "failed": "failed",
    },
    over_time="Counts are since the server’s start; charts over time are Grafana’s, from /metrics.",
)

PERSIAN = Words(
    title="دربان: وضعیت",
    in_order="وضعیت عادی است",
    needs_a_look="موردی نیازمند بررسی است",
    config_not_ok="آنچه در پیکربندی آمده اعمال نشده است؛ فرمان darban check علت را می‌گوید.",
    workers_missing="از {expected} فرایند پاسخ‌گو تنها {workers} فرایند کار می‌کند.",
    upstream_down="سرور بالادست {server} پاسخ نمی‌دهد.",
    block_log_fails="نوشتن در پروندهٔ ثبت مسدودسازی‌ها {file} ممکن نیست: {why}.",
    exemption_ends="معافیت {exemption} در {until} به پایان می‌رسد.",
    exemption_ended="معافیت {exemption} در {until} به پایان رسیده است.",
    queries="پرسش‌ها",
    blocked="بسته‌شده",
    would_block="شمرده‌شده در پایش",
    failed="ناموفق",
    unknown_clients="کاربران ناشناس",
    without_upstream="پاسخ از همین‌جا",
    of_all="{share} از کل",
    audit_only="تنها شمرده شده، بسته نشده",
    not_answered="هیچ بالادستی پاسخ نداد",
    in_no_vlan="ردشده: بیرون از همهٔ VLANها",
    of_answers="از {answers} پاسخ، بی‌نیاز از بالادست",
    pause="توقف",
    resume="ادامه",
    by_vlan="موارد بسته‌شده به تفکیک VLAN و سرویس",
    service="سرویس",
    own_rule="قاعدهٔ خودِ سیاست",
    nothing_met="هیچ پرسشی با قاعده‌ای منطبق نشده است.",
    other_vlan="دیگر در پیکربندی نیست",
    of_queries="{queries} پرسش",
    explain="با یک نام چه می‌شود؟",
    explain_what="پاسخ از سیاست جاری است، همان‌گونه که darban explain پاسخ می‌دهد.",
    who="نشانی کاربر یا VLAN",
    who_such_as="مانند 10.10.3.7 یا {vlan}",
    name="نام",
    name_such_as="مانند web.telegram.org",
    ask="بررسی",
    no_vlan="VLAN به نام «{who}» وجود ندارد؛ نام‌های موجود: {vlans}.",
    no_address="«{who}» نشانی نیست؛ نمونه: 10.10.3.7 یا fd00:10::37.",
    no_name="«{name}» نام دامنه نیست؛ نمونه: web.telegram.org.",
    nothing_asked="بنویسید چه کسی و کدام نام را می‌پرسد.",
    outcomes={
        "blocked": "بسته",
        "would_block": "شمرده‌شده در پایش",
        "exempted": "معاف",
        "passed": "باز",
        "refused": "ردشده",
    },
    policies="سیاست‌ها",
    policy_of="برای {vlans}",
    policy_of_none="برای هیچ VLAN",
    blocks="می‌بندد",
    blocks_nothing="هیچ",
    enforce="اعمال می‌شود",
    audit="پایش: می‌شمارد و چیزی را نمی‌بندد",
    answer="پاسخ",
    on_ground="مبنا",
    contact="تماس",
    directive="بخشنامهٔ {number} مورخ {date}",
    narrows="بخشنامهٔ {number} مورخ {date} که {other} را محدود می‌کند",
    exemptions="معافیت‌ها",
    no_exemptions="معافیتی ثبت نشده است.",
    exemption="معافیت",
    state="وضعیت",
    states={"in force": "برقرار", "ends soon": "رو به پایان", "ended": "پایان‌یافته"},
    whom="برای",
    services="سرویس‌ها",
    until="تا",
    approver="تأییدکننده، شماره",
    upstreams="سرورهای بالادست",
    server="سرور",
    up="پاسخ می‌دهد",
    down="پاسخ نمی‌دهد",
    failures="ناموفق",
    latency="میانگین زمان",
    cache="حافظهٔ نهان",
    entries="پاسخ‌های نگه‌داشته",
    memory="حافظه",
    hit_rate="جست‌وجوهای موفق",
    paths="پاسخ‌ها از کجا آمد",
    from_cache="سیاست یا حافظهٔ نهان",
    from_upstream="بالادست",
    lists="فهرست‌ها",
    category="دسته",
    names="قاعده‌ها",
    reviewed="بازبینی",
    today="امروز",
    ago="{span} پیش",
    fetched="فهرست دریافتی",
    up_to_date="به‌روز",
    never="هرگز",
    server_itself="سرور دربان",
    version="نسخه",
    running="مدت کار",
    in_force="مدت برقراری سیاست",
    snapshot="شناسهٔ سیاست",
    workers="فرایندهای پاسخ‌گو",
    workers_of="{workers} از {expected}",
    config="پیکربندی",
    reload="آخرین بارگذاری",
    reloads={
        "applied": "اعمال شد",
        "unchanged": "بی‌تغییر",
        "refused": "رد شد",
        "invalid": "نامعتبر",
        "needs_restart": "نیازمند راه‌اندازی دوباره",
        "failed": "ناموفق",
    },
    over_time="شمارش‌ها از آغاز کار سرور است؛ نمودارها در گذر زمان در Grafana و از ‎/metrics است.",
)

WORDS = {"en": ENGLISH, "fa": PERSIAN}
