"""CLIXML as the engine writes it: own cases, so that a clone without recordings holds them too."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore import types as ps
from psrpcore.types import deserialize

from wslnet_lab.host.contract import (
    Category,
    CimInstance,
    CimValue,
    EnumValue,
    ErrorDetails,
    Number,
    Outcome,
    PlainObject,
    Progress,
)
from wslnet_lab.host.wire import clixml, decode, fragments, mixml, records
from wslnet_lab.host.wire.encode import Encoder

from .recorded_values import parse

STATE = EnumValue("WslnetState", "On", 1)
NODE = PlainObject(("WslnetNode", "System.Object"), {"Name": "b"}, to_string="node b")


def written(value: object) -> str:
    return Encoder("PC").document(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "<B>true</B>"),
        (5, "<I32>5</I32>"),
        (2**31, "<I64>2147483648</I64>"),
        (-(2**31), "<I32>-2147483648</I32>"),
        (2.5, "<Db>2.5</Db>"),
        (2.0, "<Db>2</Db>"),
        ("", "<S></S>"),
        (b"\x01\x02\x03", "<BA>AQID</BA>"),
        (Number("U64", 2**64 - 1), "<U64>18446744073709551615</U64>"),
        (timedelta(), "<TS>PT0S</TS>"),
        (timedelta(seconds=10), "<TS>PT10S</TS>"),
        (timedelta(seconds=90), "<TS>PT1M30S</TS>"),
        (timedelta(minutes=30), "<TS>PT30M</TS>"),
        (timedelta(days=1, hours=1, minutes=1, seconds=1.5), "<TS>P1DT1H1M1.5S</TS>"),
        (timedelta(days=2), "<TS>P2D</TS>"),
        (timedelta(milliseconds=-1), "<TS>-PT0.001S</TS>"),
        (timedelta.max, "<TS>P10675199DT2H48M5.4775807S</TS>"),
        (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "<DT>2020-01-02T03:04:05Z</DT>"),
        (datetime(2020, 1, 2, 3, 4, 5), "<DT>2020-01-02T03:04:05</DT>"),  # noqa: DTZ001 - a date without zone
        (
            datetime(2020, 1, 2, 3, 4, 5, 250000, tzinfo=timezone(timedelta(hours=8))),
            "<DT>2020-01-02T03:04:05.25+08:00</DT>",
        ),
        ("a_x_X", "<S>a_x005F_x_x005F_X</S>"),
        ("\x00\x1f\x7f\r\n", "<S>_x0000__x001F__x007F__x000D__x000A_</S>"),
        ("\U0001f600 <&>", "<S>_xD83D__xDE00_ &lt;&amp;&gt;</S>"),
        ("\ufffe", "<S>&#xFFFE;</S>"),
    ],
)
def test_primitives(value: object, text: str) -> None:
    assert written(value) == text


def test_null_has_no_body() -> None:
    assert written(None) == ""


def test_enums_say_their_text_first() -> None:
    assert written(STATE).endswith("<ToString>On</ToString><I32>1</I32></Obj>")


def test_arrays_are_object_arrays_and_repeat_their_types_by_number() -> None:
    assert written([[1, None], []]) == (
        '<Obj RefId="0"><TN RefId="0"><T>System.Object[]</T><T>System.Array</T><T>System.Object</T></TN><LST>'
        '<Obj RefId="1"><TNRef RefId="0" /><LST><I32>1</I32><Nil /></LST></Obj>'
        '<Obj RefId="2"><TNRef RefId="0" /><LST /></Obj></LST></Obj>'
    )


def test_the_own_properties_of_an_object_are_one_deep() -> None:
    own = {"Next": NODE, "State": STATE, "Many": [NODE, {"k": STATE}]}
    text = written(PlainObject(("A", "System.Object"), own, {"Note": STATE}, "a"))
    assert '<S N="Next">node b</S><S N="State">On</S>' in text
    assert "<LST><S>node b</S>" in text
    assert '<S N="Value">On</S>' in text
    assert re.search(r'<MS><Obj N="Note" RefId="\d+"><TN', text)


def test_custom_objects_cost_no_depth_and_have_no_text() -> None:
    custom = PlainObject(("System.Management.Automation.PSCustomObject", "System.Object"), {}, {"P": NODE})
    text = written(custom)
    assert "<Props>" in text  # the node inside is whole
    assert text.startswith('<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T>')
    assert text.count("<ToString>") == 1


def test_text_with_notes_is_text() -> None:
    line = PlainObject(("System.String", "System.Object"), {}, {"PSPath": "C:\\x"}, "first line")
    assert written(line) == '<Obj RefId="0"><S>first line</S><MS><S N="PSPath">C:\\x</S></MS></Obj>'


def test_an_object_seen_before_is_a_reference() -> None:
    assert '<Ref RefId="1" />' in written([NODE, NODE])


def test_what_the_contract_does_not_name_is_refused() -> None:
    with pytest.raises(TypeError, match="no CLIXML form for set"):
        written([{1}])


CIM_TAGS = [
    ("uint8", 5, '<By N="P">5</By>'),
    ("sint8", -5, '<SB N="P">-5</SB>'),
    ("uint16", 5, '<U16 N="P">5</U16>'),
    ("sint16", 5, '<I16 N="P">5</I16>'),
    ("uint32", 5, '<U32 N="P">5</U32>'),
    ("sint32", 5, '<I32 N="P">5</I32>'),
    ("uint64", 5, '<U64 N="P">5</U64>'),
    ("sint64", 5, '<I64 N="P">5</I64>'),
    ("real32", 1.5, '<Sg N="P">1.5</Sg>'),
    ("real64", 2, '<Db N="P">2</Db>'),
    ("boolean", 1, '<B N="P">true</B>'),
    ("char16", "x", '<C N="P">120</C>'),
    ("string", "5", '<S N="P">5</S>'),
    ("uint16", None, '<Nil N="P" />'),
    ("interval", timedelta(minutes=5), '<TS N="P">PT5M</TS>'),
    ("interval", "PT5M", '<TS N="P">PT5M</TS>'),
    ("datetime", "2020-01-02T03:04:05Z", '<DT N="P">2020-01-02T03:04:05Z</DT>'),
    ("uint8[]", [1, 2], '<BA N="P">AQI=</BA>'),
    ("UINT8", Number("By", 5), '<By N="P">5</By>'),
]


@pytest.mark.parametrize(("cim_type", "value", "text"), CIM_TAGS)
def test_tags_of_cim_types(cim_type: str, value: object, text: str) -> None:
    row = CimInstance("ROOT/X", "C", {"P": CimValue(cim_type, value)})
    assert f'<Props>{text}<Nil N="PSComputerName" /></Props>' in written(row)


@pytest.mark.parametrize(
    ("cim_type", "name"),
    [("uint16[]", "System.UInt16[]"), ("string[]", "System.String[]"), ("datetime[]", "System.Object[]")],
)
def test_types_of_cim_arrays(cim_type: str, name: str) -> None:
    row = CimInstance("ROOT/X", "C", {"P": CimValue(cim_type, [])})
    assert f"<T>{name}</T>" in written(row)


def test_embedded_instances_are_whole() -> None:
    inner = CimInstance("ROOT/X", "Inner", {"A": CimValue("uint16", 1)})
    row = CimInstance(
        "ROOT/X", "C", {"One": CimValue("instance", inner), "Many": CimValue("instance[]", [inner])}
    )
    text = written(row)
    assert text.count("CimInstance#ROOT/X/Inner</T>") == 1
    assert "<T>Microsoft.Management.Infrastructure.CimInstance[]</T>" in text
    assert '<U16 N="A">1</U16>' in text


def test_a_remote_row_names_its_computer() -> None:
    text = written(CimInstance("ROOT/X", "C", {}, computer_name="box2"))
    assert '<S N="PSComputerName">box2</S></Props><MS><B N="PSShowComputerName">true</B>' in text


def test_a_declaration_reads_back() -> None:
    row = CimInstance("ROOT/X", "C", {"K": CimValue("string", "a"), "N": CimValue("uint16[]", [])}, ("K",))
    assert mixml.read(mixml.declare(row)) == mixml.Declaration("C", {"K": "string", "N": "uint16[]"}, ("K",))


@pytest.mark.parametrize("text", ["", "<", "<OTHER/>", '<CLASS NAME="X"><!-- no property --></CLASS>'])
def test_what_is_no_declaration_is_not_read(text: str) -> None:
    assert mixml.read(text) is None


def read_back(text: str) -> object:
    return decode.value_of(deserialize(parse(text), cipher=None))


TEXTS = st.text(st.characters(exclude_characters="\ufffe\uffff", exclude_categories=("Cs",)))


@given(TEXTS)
def test_any_text_survives_the_clients_reader(text: str) -> None:
    assert read_back(written(text)) == text


@given(st.timedeltas(min_value=timedelta(days=-10_000_000), max_value=timedelta(days=10_000_000)))
def test_any_time_span_survives(value: timedelta) -> None:
    assert read_back(written(value)) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=12,
    ).filter(lambda value: value is not None)
)
def test_any_nest_of_values_survives(value: object) -> None:
    assert read_back(written(value)) == value


@given(st.binary(min_size=1, max_size=400), st.integers(22, 120))
def test_fragments_join_to_the_message(message: bytes, size: int) -> None:
    pieces = fragments.split_message(message, 7, size)
    assert b"".join(piece[21:] for piece in pieces) == message
    assert all(len(piece) <= size for piece in pieces)
    assert [piece[16] for piece in pieces] == [
        (1 if at == 0 else 0) | (2 if at == len(pieces) - 1 else 0) for at in range(len(pieces))
    ]


DETAILS = ErrorDetails("Id,Get-X", Category.FROM_STD_ERR, "m <1>", activity="Get-X", target_object=STATE)


def test_error_records_have_no_nulls_where_the_engine_has_text() -> None:
    root = parse(records.error_body(DETAILS, Encoder()))
    fields = {node.get("N"): node for node in root.findall("MS/*")}
    assert fields["ErrorCategory_TargetName"].tag == fields["ErrorCategory_TargetType"].tag == "S"
    assert fields["ErrorCategory_Reason"].text == "RuntimeException"
    assert fields["ErrorCategory_Message"].text == "FromStdErr: (:) [Get-X], RuntimeException"
    assert fields["TargetObject"].text == "On"
    assert root.findtext("TN/T") == "System.Management.Automation.ErrorRecord"


def test_the_text_of_a_record_is_that_of_its_details() -> None:
    root = parse(records.error_body(replace(DETAILS, details="Verify the value."), Encoder()))
    assert root.findtext("ToString") == "Verify the value."
    assert root.findtext("MS/S[@N='ErrorDetails_Message']") == "Verify the value."
    assert root.findtext("MS/Obj[@N='Exception']/Props/S[@N='Message']") == DETAILS.message
    assert root.find("MS/B[@N='SerializeExtendedInfo']") is not None


@pytest.mark.parametrize(
    ("types", "number"),
    [
        (("Own.Exception",), -2146233088),
        (("Own.Exception", "System.SystemException"), -2146233087),
        (("Own.Exception", "System.InvalidOperationException", "System.SystemException"), -2146233079),
        (("System.NullReferenceException", "System.SystemException"), -2147467261),
    ],
)
def test_an_exception_has_the_number_of_its_nearest_class(types: tuple[str, ...], number: int) -> None:
    root = parse(records.error_body(replace(DETAILS, exception_types=types), Encoder()))
    assert root.findtext("MS/Obj[@N='Exception']/Props/I32[@N='HResult']") == str(number)


def test_progress_is_told_whole() -> None:
    record = Progress("copy", "half", percent=50, seconds_left=7, operation="a.txt", number=3, parent=1)
    root = parse(records.progress_body(record))
    told = {each.get("N"): each.text for each in root.findall("MS/*") if each.tag != "Obj"}
    assert told == {
        "Activity": "copy",
        "ActivityId": "3",
        "StatusDescription": "half",
        "CurrentOperation": "a.txt",
        "ParentActivityId": "1",
        "PercentComplete": "50",
        "SecondsRemaining": "7",
    }


def test_remoting_records_say_so_in_the_stream_only() -> None:
    details = ErrorDetails("Id", Category.NOT_SPECIFIED, "m", remoting=True)
    assert "RemotingErrorRecord" in records.error_body(details, Encoder())
    assert "RemotingErrorRecord" not in records.state_body(Outcome("Failed", details), Encoder())


def test_long_names_are_shortened_in_the_category() -> None:
    details = ErrorDetails("Id", Category.NOT_SPECIFIED, "m", activity="A", target_name="x" * 20 + "y" * 21)
    assert "(xxxxxxxxxxxxxxx...yyyyyyyyyyyyyyy:)" in records.error_body(details, Encoder())


@pytest.mark.parametrize("category", list(Category))
def test_category_names_are_psrpcores(category: Category) -> None:
    assert records.category_name(category) == ps.ErrorCategory(int(category)).name


def test_escape_is_for_text_between_tags() -> None:
    assert unescape(clixml.escape('a "quoted" word')) == 'a "quoted" word'
