"""What people type into a scheme file by mistake: refused with line and column, the reason and the mend."""

import pytest

from datamarket.subsidy.scheme.files import SchemeInvalid, load_scheme
from tests.cases.builders import city_scheme, edited_bytes, scheme_bytes

RATE, CAP = 'rate: {2024-01-01: "30%"}', 'cap: {2024-01-01: "1000000.00"}'
MISTAKES: dict[str, tuple[bytes, str, str, str]] = {
    name: (edited_bytes("qd-data-element", (old, new)), new.strip().rpartition("\n")[2].strip()[:12], said, mend)
    for name, (old, new, said, mend) in {
        "a tab": ("    unit: project", "\tunit: project", "制表符", "空格缩进"),
        "a full-width colon": ("    unit: project", "    unit： project", "全角冒号", "半角冒号"),
        "a full-width colon in a line of keys": ("{to: ", "{to： ", "未知的键", "半角冒号和一个空格"),
        "full-width quotes around a list": ('"30%"}', "“30%”]", "全角引号或括号", "半角引号"),
        "full-width quotes": ('"30%"', "“30%”", "不是比例：“30%”", '请写作 "30%"'),
        "a full-width comma": ("[typical-case, top", "[typical-case， top", "编号只能用", "用半角逗号"),
        "full-width brackets": (RATE, 'rate: ｛2024-01-01: "30%"｝', "全角引号或括号", "半角引号或括号"),
        "no space after a colon": ("    unit: project", "    unit:project", "冒号后缺少空格", "加一个空格"),
        "no space in a line of keys": ("{top: 10", "{top:10", "未知的键", "半角冒号和一个空格"),
        "a wrong indentation": ("    unit: project", "      unit: project", "未知的键", "请检查缩进"),
        "a key outside its clause": ("    unit: project", "  unit: project", "缩进", "左对齐"),
        "a bracket not closed": (CAP, CAP[:-1], "没有闭合", "请补上"),
        "a quote not closed": ('"1000000.00"}', '"1000000.00}', "引号没有闭合", "请补上"),
        "a rate as a fraction": ('"30%"', "0.3", "必须加引号", "比例加 %"),
        "a rate as a number": ('"30%"', "30", "不是比例：30", '请写作 "30%"'),
        "a rate with a space": ('"30%"', '"30 %"', "不是比例：30 %", '请写作 "30%"'),
        "a rate in full width": ('"30%"', '"３０％"', "不是比例", '请写作 "30%"'),
        "a negative rate": ('"30%"', '"-30%"', "不是比例", "加引号的文字"),
        "a rate above the whole": ('"30%"', '"130%"', "不超过 100%", "加引号的文字"),
        "an amount with three decimals": ('"1000000.00"', '"1000000.001"', "不是金额", '"1000000.00"'),
        "an amount in 万元": ('"1000000.00"', '"100万元"', "不是金额：100万元", '例如 "1000000.00"'),
        "a key twice": ("    unit: project", "    unit: project\n    unit: project", "重复", "只保留一个"),
        "a day twice": (RATE, 'rate: {2024-01-01: "30%", 2024-01-01: "31%"}', "重复", "同一日期"),
        "a clause twice": ("id: top-ten-turnover", "id: typical-case", "条款编号重复", "另取编号"),
        "a key misspelt": ("    require_base_above", "    require_base", "未知的键", "是否为 require_base_above？"),
        "a key in the wrong place": ("    unit: project", "    unit: project\n    stacking: []", "未知的键", "不能放在这里"),
        "a key forgotten": ("    unit: project\n", "", "缺少必填的键", "请补上此键"),
        "a fact in Chinese": ("base: verified_investment", "base: 投资额", "未知的事实：投资额", "verified_investment"),
        "a fact misspelt": ("base: verified_investment", "base: verified_invest", "未知的事实", "是否为 verified_investment？"),
        "a condition misspelt": ("[registered_in_city, ", "[registred_in_city, ", "未知或重复的条件", "是否为 registered_in_city？"),
        "a day that is none": ("from: 2024-01-01", "from: 2024-02-30", "不是日期", "存在的日期"),
        "a day in Chinese": ("from: 2024-01-01", "from: 2024年1月1日", "不是日期", "年-月-日"),
        "an end before the beginning": ("to: null", "to: 2023-01-01", "to 必须晚于 from", "请对调"),
        "no first place": ("top: 10", "top: 0", "不能小于 1", "不小于 1"),
        "a tie rule nobody knows": ("ties: include_all", "ties: include", "ties 只能是", "是否为 include_all？"),
        "a clause nobody knows": ("group: [typical-case,", "group: [typical,", "未知或重复的条款", "是否为 typical-case？"),
        "an id in capitals": ("id: typical-case", "id: Typical Case", "小写字母、数字和连字符", "top-ten-turnover"),
        "a floor above the cap": (CAP, f'{CAP}\n    floor: {{2024-01-01: "1000000.01"}}', "下限高于上限", "降低下限"),
        "an alias": ("    unit: project", "    unit: &one project\n    base: *one", "不使用", "写全"),
        "a tag": ("    unit: project", "    unit: !!str project\n    evidenc: !x a", "不使用标签", "请删去"),
        "a merge key": ("    unit: project", "    <<: {unit: project}", "必须是文字或日期", "请删去"),
        "a second document": ("clauses:", "---\nclauses:", "两份文档", "只保留一份"),
    }.items()
} | {
    "an empty file": (b"", "", "文件为空", "随产品发布的文件开始"),
    "a file not in UTF-8": ("format: 方案\n".encode("gb18030"), "", "不是 UTF-8", "另存为 UTF-8"),
    "a file too large": (b"#" * (1 << 20) + b"#", "", "超过 1 MiB", "请拆分"),
}  # fmt: skip


def test_there_are_more_than_thirty_four_mistakes() -> None:
    assert len(MISTAKES) == 45


@pytest.mark.parametrize(
    ("content", "typed", "said", "mend"), MISTAKES.values(), ids=[name.replace(" ", "-") for name in MISTAKES]
)
@pytest.mark.edge(23, part="0.3, 30 and '30 %' are refused")
def test_a_mistake_is_refused_with_line_column_reason_and_mend(
    content: bytes, typed: str, said: str, mend: str
) -> None:
    with pytest.raises(SchemeInvalid) as refused:
        load_scheme(content)
    facts, zh, en = refused.value.facts, refused.value.sentence("zh"), refused.value.sentence("en")
    assert said in zh
    assert mend in facts["mend_zh"]
    assert facts["mend_zh"] in zh
    assert facts["mend_en"] in en
    assert f"第 {facts['line']} 行第 {facts['column']} 列" in zh
    around = content.decode(errors="replace").splitlines()[max(0, facts["line"] - 7) : facts["line"] + 1]
    assert typed in "\n".join(around)


def test_the_column_is_that_of_what_was_typed() -> None:
    with pytest.raises(SchemeInvalid) as refused:
        load_scheme(edited_bytes("qd-data-element", ("    unit: project", "    unit： project")))
    assert refused.value.facts["column"] == len("    unit：")
    with pytest.raises(SchemeInvalid) as refused:
        load_scheme(edited_bytes("qd-data-element", ("{top: 10", "{top: 0")))
    assert refused.value.facts["column"] == len("    select: {t")


def test_the_order_of_dated_values_says_nothing_and_a_mark_before_the_text_is_none_of_it() -> None:
    dated = 'rate: {2024-01-01: "30%", 2026-01-01: "40%"}'
    turned = 'rate: {2026-01-01: "40%", 2024-01-01: "30%"}'
    assert city_scheme((RATE, turned)) == city_scheme((RATE, dated))
    assert load_scheme(b"\xef\xbb\xbf" + scheme_bytes("qd-data-element")) == city_scheme()
