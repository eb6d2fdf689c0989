"""The words of the printed report, in both languages, side by side.

What stands in braces is put in by the page. Names that an operator types (VLANs, services,
policies, kinds of answers) are the same in both. The Persian is written as an agency writes
to an auditor.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words."""

    title: str
    made: str
    in_force: str
    of_config: str
    differs: str
    not_run: str
    failing: str
    vlan: str
    clients: str
    policy: str
    mode: str
    enforce: str
    audit: str
    answer: str
    contact: str
    allowed: str
    directives: str
    no_directives: str
    number: str
    date: str
    covers: str
    narrows: str
    blocks: str
    blocks_nothing: str
    service: str
    category: str
    names: str
    ground: str
    agency_policy: str
    own_names: str
    exemptions: str
    no_exemptions: str
    exemption: str
    whom: str
    services: str
    approver: str
    ticket: str
    reason: str
    until: str
    state: str
    states: Mapping[str, str]
    expectations: str
    no_expectations: str
    client: str
    name: str
    type: str
    expected: str
    result: str
    holds: str
    fails: str
    at: str
    outcomes: Mapping[str, str]
    counts: str
    counts_since: str
    counts_unknown: str
    nothing_counted: str
    outcome: str
    queries: str
    all_queries: str
    strangers: str
    strangers_refused: str


ENGLISH = Words(
    title="Report on the messenger policy, by VLAN",
    made="Made on {at} by Darban {version}.",
    in_force="Policy {snapshot}, in force since {loaded}; config {config}.",
    of_config="No server runs. This is policy {snapshot}, as the config {config} says it; "
    "nothing was counted.",
    differs="The config {config} says another thing than what is in force. What is in force is "
    "reported here.",
    not_run="The config has mistakes, so that its expectations could not be run.",
    failing="{number} of the expectations do not hold; they are marked below.",
    vlan="VLAN {name}",
    clients="Clients",
    policy="Policy",
    mode="State",
    enforce="enforced",
    audit="audit: counts and blocks nothing",
    answer="Answer to blocked names",
    contact="Contact",
    allowed="Names always let pass",
    directives="Directives",
    no_directives="No directive is cited.",
    number="Number",
    date="Date",
    covers="Covers",
    narrows="narrows the ban of {other}",
    blocks="Services blocked",
    blocks_nothing="Nothing is blocked.",
    service="Service",
    category="Category",
    names="Names",
    ground="Ground",
    agency_policy="agency network policy",
    own_names="names of the policy itself",
    exemptions="Exemptions",
    no_exemptions="There is none.",
    exemption="Exemption",
    whom="For",
    services="Services",
    approver="Approved by",
    ticket="Ticket",
    reason="Reason",
    until="Until",
    state="State",
    states={"in force": "in force", "ends soon": "ends soon", "ended": "ended"},
    expectations="Expectations, run on {at}",
    no_expectations="There is none.",
    client="Client",
    name="Name",
    type="Type",
    expected="Expected",
    result="Result",
    holds="holds",
    fails="does not hold: {got}",
    at="on {at}",
    outcomes={
        "blocked": "blocked",
        "would_block": "would be blocked (audit)",
        "exempted": "exempted",
        "passed": "passed",
        "refused": "refused",
        "failed": "failed",
        "dropped": "dropped",
    },
    counts="Queries",
    counts_since="Since the server started, {started}.",
    counts_unknown="Not known: no server runs.",
    nothing_counted="None yet.",
    outcome="Outcome",
    queries="Queries",
    all_queries="all queries",
    strangers="Clients on no VLAN",
    strangers_refused="They are refused; {number} queries so far.",
)

PERSIAN = Words(
    title="گزارش اجرای سیاست پیام‌رسان‌ها به تفکیک VLAN",
    made="این گزارش در تاریخ {at} با نسخهٔ {version} دربان تهیه شده است.",
    in_force="سیاست جاری با شناسهٔ {snapshot} از {loaded} برقرار است؛ پیکربندی: {config}.",
    of_config="سرور در حال کار نیست. این گزارش سیاست {snapshot} را مطابق پیکربندی {config} نشان "
    "می‌دهد و آماری در بر ندارد.",
    differs="پیکربندی {config} با سیاست جاری یکسان نیست. آنچه در این گزارش آمده، سیاست جاری است.",
    not_run="پیکربندی ایراد دارد و از این رو آزمون‌های آن اجرا نشده است.",
    failing="نتیجهٔ {number} آزمون با انتظار مطابقت ندارد؛ این موارد در ادامه مشخص شده است.",
    vlan="VLAN {name}",
    clients="نشانی کاربران",
    policy="سیاست",
    mode="وضعیت",
    enforce="اعمال می‌شود",
    audit="پایش: می‌شمارد و چیزی را نمی‌بندد",
    answer="پاسخ به نام‌های بسته‌شده",
    contact="تماس",
    allowed="نام‌های همواره مجاز",
    directives="بخشنامه‌ها",
    no_directives="به بخشنامه‌ای استناد نشده است.",
    number="شماره",
    date="تاریخ",
    covers="دامنهٔ شمول",
    narrows="ممنوعیت بخشنامهٔ {other} را محدود می‌کند",
    blocks="سرویس‌های بسته‌شده",
    blocks_nothing="هیچ سرویسی بسته نشده است.",
    service="سرویس",
    category="دسته",
    names="شمار نام‌ها",
    ground="مبنا",
    agency_policy="سیاست شبکهٔ دستگاه",
    own_names="نام‌های مندرج در خودِ سیاست",
    exemptions="معافیت‌ها",
    no_exemptions="معافیتی ثبت نشده است.",
    exemption="معافیت",
    whom="برای",
    services="سرویس‌ها",
    approver="تأییدکننده",
    ticket="شمارهٔ درخواست",
    reason="علت",
    until="تاریخ پایان",
    state="وضعیت",
    states={"in force": "برقرار", "ends soon": "رو به پایان", "ended": "پایان‌یافته"},
    expectations="آزمون‌های سیاست، اجراشده در {at}",
    no_expectations="آزمونی ثبت نشده است.",
    client="نشانی کاربر",
    name="نام",
    type="نوع",
    expected="نتیجهٔ مورد انتظار",
    result="نتیجه",
    holds="مطابق",
    fails="نامطابق: {got}",
    at="در {at}",
    outcomes={
        "blocked": "بسته",
        "would_block": "شمرده‌شده در پایش",
        "exempted": "معاف",
        "passed": "باز",
        "refused": "ردشده",
        "failed": "ناموفق",
        "dropped": "بی‌پاسخ",
    },
    counts="آمار پرسش‌ها",
    counts_since="از زمان آغاز به کار سرور، {started}.",
    counts_unknown="در دست نیست؛ سرور در حال کار نیست.",
    nothing_counted="تاکنون پرسشی نبوده است.",
    outcome="نتیجه",
    queries="شمار پرسش‌ها",
    all_queries="همهٔ پرسش‌ها",
    strangers="کاربران بیرون از همهٔ VLANها",
    strangers_refused="پرسش‌های این کاربران رد می‌شود؛ تاکنون {number} پرسش رد شده است.",
)

WORDS: Mapping[str, Words] = {"en": ENGLISH, "fa": PERSIAN}
