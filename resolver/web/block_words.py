"""The words of the block page, in both languages, side by side.

What stands in braces is put in by ``block_page``. The Persian is not a translation word by
word: it is written as an agency writes to its own people.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language's words."""

    closed: str
    closed_name: str
    messenger: str
    encrypted_dns: str
    other_service: str
    no_service: str
    open: str
    open_why: str
    open_if_again: str
    exempted: str
    exempted_why: str
    general: str
    general_why: str
    ground: str
    directive: str
    narrowing: str
    agency_policy: str
    exempt: str
    exempt_who: str
    need: str
    need_how: str
    steps: tuple[str, ...]
    contact: str
    contact_none: str
    details: str
    address: str
    service: str
    vlan: str
    privacy: str


ENGLISH = Words(
    closed="{service} is closed on this network",
    closed_name="This address is closed on this network",
    messenger="{name} belongs to {service}, a foreign messenger. Your device is on a network for "
    "administrative affairs, where foreign messengers are not used.",
    encrypted_dns="{name} belongs to a name server of others ({service}). On this network names "
    "are looked up by the agency’s own name server, and by no other.",
    other_service="{name} belongs to {service}, which the policy of the network that your device "
    "is on does not allow.",
    no_service="The policy of the network that your device is on does not allow {name}.",
    open="No rule closes this address to you",
    open_why="Your device was led here by an answer that may be out of date. Please try {name} "
    "again in a minute.",
    open_if_again="If it leads you here again, this address is another name of a service that is "
    "closed on this network. The contact below can look into it.",
    exempted="{service} is open to you",
    exempted_why="An exemption is in force for your device. It may still remember the answer from "
    "before: please try {name} again in a minute.",
    general="Some addresses are closed on this network",
    general_why="Whoever asks for an address that the network’s policy closes is led to this page. "
    "Open that address itself, and the page says why it is closed.",
    ground="On what ground",
    directive="Directive {number} of {date}: executive agencies do not use foreign messengers for "
    "their work.",
    narrowing="Directive {number} of {date} narrows it: the ban covers administrative affairs "
    "only.",
    agency_policy="The agency’s own network policy. No directive stands behind it.",
    exempt="What is exempt",
    exempt_who="Publicity, public relations and non-administrative information are exempt: the "
    "ban covers administrative affairs only. If that is your work, ask for an exemption:",
    need="If your work needs it",
    need_how="Exemptions are made for a purpose and a time. To ask for one:",
    steps=(
        "Have the head of your unit confirm what you need it for.",
        "Write to the contact below: your unit, the service, the purpose, the devices, and until "
        "when you need it.",
        "Once the exemption is entered it takes effect within a minute; nothing changes on your "
        "device.",
    ),
    contact="Whom to ask",
    contact_none="The agency’s IT unit.",
    details="For support",
    address="Address",
    service="Service",
    vlan="Network",
    privacy="This page sets no cookie and keeps no record of your visit.",
)

PERSIAN = Words(
    closed="دسترسی به {service} از این شبکه بسته است",
    closed_name="دسترسی به این نشانی از این شبکه بسته است",
    messenger="نشانی {name} متعلق به پیام‌رسان خارجی {service} است. دستگاه شما به شبکهٔ امور "
    "اداری متصل است و استفاده از پیام‌رسان‌های خارجی در این شبکه مجاز نیست.",
    encrypted_dns="نشانی {name} از نشانی‌های «{service}» است. در این شبکه، ترجمهٔ نام‌های اینترنتی "
    "تنها بر عهدهٔ سامانهٔ نام دامنهٔ (DNS) سازمان است.",
    other_service="نشانی {name} متعلق به {service} است که در سیاست شبکهٔ شما مجاز شمرده نشده است.",
    no_service="نشانی {name} در سیاست شبکه‌ای که به آن متصل هستید مجاز شمرده نشده است.",
    open="هیچ قاعده‌ای این نشانی را بر شما نبسته است",
    open_why="به نظر می‌رسد پاسخی که دستگاه شما را به این صفحه رسانده، قدیمی باشد. لطفاً یک دقیقهٔ "
    "دیگر دوباره نشانی {name} را باز کنید.",
    open_if_again="اگر باز هم به این صفحه رسیدید، این نشانی نام دیگری برای یکی از سرویس‌های بسته در "
    "این شبکه است؛ موضوع را از راه تماس زیر پیگیری فرمایید.",
    exempted="دسترسی شما به {service} باز است",
    exempted_why="برای دستگاه شما معافیت ثبت شده است، اما ممکن است دستگاه هنوز پاسخ پیشین را به "
    "یاد داشته باشد. لطفاً یک دقیقهٔ دیگر دوباره نشانی {name} را باز کنید.",
    general="برخی نشانی‌ها از این شبکه بسته است",
    general_why="هر کس نشانی‌ای را بخواهد که سیاست شبکه آن را بسته باشد، به این صفحه می‌رسد. اگر "
    "همان نشانی را باز کنید، علت بسته بودن آن در همین صفحه نوشته می‌شود.",
    ground="مبنای این محدودیت",
    directive="بخشنامهٔ شمارهٔ {number} مورخ {date}: دستگاه‌های اجرایی برای کارهای خود از "
    "پیام‌رسان‌های خارجی استفاده نمی‌کنند.",
    narrowing="بخشنامهٔ شمارهٔ {number} مورخ {date}: ممنوعیت یادشده تنها امور اداری را در بر می‌گیرد.",
    agency_policy="سیاست شبکهٔ سازمان. این محدودیت مستند به بخشنامه‌ای نیست.",
    exempt="موارد معاف",
    exempt_who="امور تبلیغات، روابط عمومی و اطلاع‌رسانی غیراداری از این ممنوعیت معاف است و "
    "ممنوعیت تنها امور اداری را در بر می‌گیرد. اگر کار شما از این دست است، درخواست معافیت کنید:",
    need="اگر برای کار خود به آن نیاز دارید",
    need_how="معافیت برای کاری معین و مدتی معین داده می‌شود. برای درخواست:",
    steps=(
        "تأیید مدیر واحد خود را دربارهٔ ضرورت کار بگیرید.",
        "درخواست را از راه تماس زیر بفرستید و نام واحد، سرویس موردنیاز، نوع کار، دستگاه‌ها و تاریخ "
        "پایان نیاز را در آن بنویسید.",
        "دسترسی حداکثر یک دقیقه پس از ثبت معافیت برقرار می‌شود و به تغییری در دستگاه شما نیاز نیست.",
    ),
    contact="مرجع پاسخ‌گویی",
    contact_none="واحد فناوری اطلاعات سازمان.",
    details="برای پشتیبانی",
    address="نشانی",
    service="سرویس",
    vlan="شبکه",
    privacy="این صفحه کوکی ندارد و از مراجعهٔ شما چیزی ثبت نمی‌کند.",
)

WORDS = {"en": ENGLISH, "fa": PERSIAN}
