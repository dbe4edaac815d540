"""Fictional enterprises: names nobody bears, codes that pass GB 32100-2015 and belong to nobody; and what they sell."""

from random import Random

from datamarket.catalogue.products.terms import Content, DeliveryForm, Identity, Modality
from datamarket.catalogue.terms import Category
from datamarket.participants.rules import USCC_ALPHABET, check_digit
from datamarket.zones.terms import Level

_FIRST = "澄岚屿泽汀沧溟朔煦琅珺沐霁渚洄璟瀚翎曜栩湜沁漪"
_SECOND = "帆穹衡岑砚禾舟垣澜序榆棠弈钧翊驰彦迦闻知行远"
_FIELDS = (
    ("数据科技", "Data Technology"),
    ("信息服务", "Information Services"),
    ("智能装备", "Smart Equipment"),
    ("供应链管理", "Supply Chain"),
    ("海洋工程", "Ocean Engineering"),
    ("医疗健康", "Health Care"),
    ("物流", "Logistics"),
    ("农业发展", "Agriculture"),
    ("金融科技", "Financial Technology"),
    ("新能源", "New Energy"),
)
DISTRICTS = ("370202", "370203", "370211", "370212", "370213", "370214", "370215")
OUTSIDE = ("370100", "110100", "310100", "320100", "440300")


def fictional_name(random: Random, serial: int) -> tuple[str, str]:
    """A name in Chinese and English; the serial makes it the only one."""
    zh, en = _FIELDS[serial % len(_FIELDS)]
    mark = random.choice(_FIRST) + random.choice(_SECOND)
    return f"{mark}{serial:04d}{zh}有限公司（模拟）", f"Simulated {en} Co. {serial:04d}"


def fictional_product(random: Random, uscc: str) -> tuple[Identity, Content]:
    """A simulated interface to an enterprise's own data, in some field."""
    field, number = random.choice(list(Category)), uscc[-8:-1]
    zh, en = f"{field.zh}数据接口 {number}（模拟）", f"Simulated {field.en} data API {number}"
    content = Content(
        f"{field.zh}领域的模拟数据接口，按次调用。",
        f"A simulated API to {field.en} data, paid by call.",
        Modality.STRUCTURED,
        DeliveryForm.API,
    )
    return Identity(zh, en, field, Level.GENERAL), content


def fictional_code(division: str, serial: int) -> str:
    """A credit code with a right check digit; its inner code starts with QM, and fails GB 11714 on purpose."""
    digits = ""
    for _ in range(7):
        serial, place = divmod(serial, len(USCC_ALPHABET))
        digits = USCC_ALPHABET[place] + digits
    body = f"91{division}QM{digits}"
    return body + check_digit(body)
