"""Merging JUnit XML: every producer's dialect in, one flat report with right counts out."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import InfrastructureError, RunnerError
from async_test_runner.reports.junit_files import decoding, reading
from async_test_runner.reports.junit_files.merging import Merge, Merged

PYTEST = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="7" '
    'failures="7" skipped="7" tests="7" time="2.5" timestamp="2026-01-01T10:00:00+00:00" hostname="box">'
    '<testcase classname="t.test_a" name="test_one" time="0.25"/>'
    '<testcase classname="t.test_a" name="test_two" time="0.50"><failure message="no">trace</failure></testcase>'
    "</testsuite></testsuites>"
)


class Workbench:
    """Writes inputs, merges them, and gives what came of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = b""
        self.merged: list[Merged] = []

    def merge(self, *inputs: str | bytes, name: str = "merged") -> ET.Element:
        paths = []
        for number, content in enumerate(inputs):
            paths.append(self.directory / f"in{number}.xml")
            paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
        return self.merge_files(*paths, name=name)

    def merge_files(self, *paths: Path, name: str = "merged") -> ET.Element:
        output = io.BytesIO()
        with Merge(name, directory=self.directory) as merge:
            self.merged = [merge.add(path) for path in paths]
            merge.write(output)
        self.data = output.getvalue()
        return checked(self.data)

    @property
    def problems(self) -> list[str]:
        return [file.problem.removeprefix(f"{self.directory}/") for file in self.merged if file.problem]


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def checked(data: bytes) -> ET.Element:
    """The merged report, after checking what must hold for every one of them."""
    root = ET.fromstring(data)
    assert root.tag == "testsuites"
    suites = list(root)
    assert all(suite.tag == "testsuite" for suite in suites)
    assert len({suite.attrib["name"] for suite in suites}) == len(suites)
    assert counts(root) == Counter()  # nothing outside a suite
    total: Counter[str] = Counter()
    for suite in suites:
        assert counts(suite) == declared(suite), suite.attrib
        assert suite.find("testsuite") is None
        total += counts(suite)
    assert total == declared(root)
    return root


def counts(suite: ET.Element) -> Counter[str]:
    found: Counter[str] = Counter()
    for case in suite.findall("testcase"):
        kinds = {child.tag for child in case}
        found["tests"] += 1
        first = next((key for key in ("failure", "error", "skipped") if key in kinds), None)
        if first:
            found[{"failure": "failures", "error": "errors", "skipped": "skipped"}[first]] += 1
    return found


def declared(element: ET.Element) -> Counter[str]:
    return +Counter({key: int(element.attrib[key]) for key in ("tests", "failures", "errors", "skipped")})


def names(root: ET.Element) -> list[str]:
    return [suite.attrib["name"] for suite in root]


# ---------------------------------------------------------------------------------------------------------- the result


def test_suites_of_several_files_stand_side_by_side_with_recomputed_counts(bench: Workbench) -> None:
    root = bench.merge(PYTEST, PYTEST, name="all")
    assert root.attrib == {
        "name": "all",
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "0",
        "time": "2.500",
    }
    assert names(root) == ["pytest", "pytest#2"]
    assert root[1].attrib["time"] == "0.750"
    assert not bench.problems


def test_attributes_that_are_not_recomputed_stay(bench: Workbench) -> None:
    suite = bench.merge(PYTEST)[0]
    assert (suite.attrib["hostname"], suite.attrib["timestamp"]) == ("box", "2026-01-01T10:00:00+00:00")


def test_the_content_of_a_suite_is_copied_byte_for_byte(bench: Workbench) -> None:
    content = (
        "\r\n<properties><property name='a' value='1'/></properties><!-- kept -->"
        '<testcase  name = "x"   custom=\'&#10;"\'><odd:thing xmlns:odd="urn:o" odd:a="1"/><![CDATA[<failure/>]]>'
        "<system-out>a &lt; b ]]&gt; é\r\n</system-out></testcase >\t<system-err>x</system-err>"
    )
    bench.merge(f'<testsuite name="s">{content}</testsuite>')
    assert content.encode() in bench.data


def test_the_same_inputs_give_the_same_bytes(bench: Workbench) -> None:
    bench.merge(PYTEST, "<broken>", PYTEST)
    first = bench.data
    bench.merge(PYTEST, "<broken>", PYTEST)
    assert bench.data == first


def test_nested_suites_become_siblings_with_joined_names(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuites><testsuite name="a"><testcase name="1"/><testsuite name="b"><testcase name="2"/>'
        '<testsuite name="c"/></testsuite><testcase name="3"><failure/></testcase><testsuite name="b">'
        '<testcase name="4"/></testsuite >\n<testcase name="5"/></testsuite></testsuites>'
    )
    assert {suite.attrib["name"]: [case.attrib["name"] for case in suite] for suite in root} == {
        "a": ["1", "3", "5"],
        "a/b": ["2"],
        "a/b/c": [],
        "a/b#2": ["4"],
    }


def test_a_bare_suite_is_a_root_too(bench: Workbench) -> None:
    assert names(bench.merge('<testsuite name="alone"><testcase name="x"/></testsuite>')) == ["alone"]


def test_testcases_outside_any_suite_get_one_named_after_the_file(bench: Workbench) -> None:
    root = bench.merge('<testsuites><testcase name="x"/><testsuite name="s"/><testcase name="y"/></testsuites>')
    assert names(root) == ["in0", "s"]
    assert [case.attrib["name"] for case in root[0]] == ["x", "y"]


def test_suites_without_a_name_are_named_after_their_file(bench: Workbench) -> None:
    assert names(bench.merge("<testsuites><testsuite/><testsuite/></testsuites>")) == ["in0", "in0#2"]


def test_a_name_that_looks_like_a_numbered_one_is_not_given_twice(bench: Workbench) -> None:
    suites = "".join(f'<testsuite name="{name}"/>' for name in ("a", "a#2", "a", "a"))
    assert names(bench.merge(f"<testsuites>{suites}</testsuites>")) == ["a", "a#2", "a#3", "a#4"]


def test_reruns_do_not_count(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuite name="s"><testcase name="f"><flakyFailure/><flakyError/></testcase>'
        '<testcase name="r"><failure/><rerunFailure/><failure/></testcase></testsuite>'
    )
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("2", "1", "0")


def test_a_testcase_counts_once_however_much_it_holds(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuite name="s"><testcase><error/><failure/></testcase><testcase><skipped/><error/></testcase></testsuite>'
    )
    assert (root.attrib["failures"], root.attrib["errors"], root.attrib["skipped"]) == ("1", "1", "0")


def test_only_children_of_a_testcase_are_its_verdict(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuite name="s"><testcase><system-out><failure/></system-out></testcase>'
        "<extra><testcase><failure/></testcase><failure/></extra></testsuite>"
    )
    assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")


# ---------------------------------------------------------------------------------------------------------------- time


def suite(time: str = "", timestamp: str = "", cases: str = "") -> str:
    attributes = f' time="{time}"' if time else ""
    attributes += f' timestamp="{timestamp}"' if timestamp else ""
    return f"<testsuite{attributes}>{cases}</testsuite>"


def at(second: int, time: str = "10") -> str:
    return suite(time, f"2026-01-01T00:00:{second:02}+00:00")


@pytest.mark.parametrize(
    ("inputs", "time"),
    [
        ([at(0), at(10)], "20.000"),  # one after the other
        ([at(0), at(0), at(2)], "12.000"),  # side by side
        ([at(0, "30"), at(2, "3"), at(20), at(40)], "40.000"),  # one inside the other, and a pause
        ([suite("4"), suite("5")], "9.000"),  # nobody knows when
        ([suite("4"), at(0)], "14.000"),
        ([suite("", "", '<testcase time="1.5"/><testcase time="2"/>')], "3.500"),
        (['<testsuites time="3">' + at(0) + at(0) + "</testsuites>", at(1)], "11.000"),  # 0..3 and 1..11
        ([f"<testsuites>{at(0)}{at(5)}</testsuites>"], "15.000"),
        ([suite("9", "", suite("4"))], "9.000"),  # the inner one is part of the outer one
        ([suite("", "", suite("", "", '<testcase time="2"/>'))], "2.000"),
        ([suite("10", "2026-01-01T00:00:00"), suite("10", "2026-01-01T00:00:05Z")], "15.000"),
        ([suite("10", "yesterday")], "10.000"),
    ],
)
def test_the_root_time_is_the_time_during_which_anything_ran(bench: Workbench, inputs: list[str], time: str) -> None:
    assert bench.merge(*inputs).attrib["time"] == time


def test_a_suite_whose_testcases_have_no_time_keeps_its_own(bench: Workbench) -> None:
    assert bench.merge(suite("7", "", "<testcase/>"))[0].attrib["time"] == "7.000"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        (" 2 ", 2.0),
        ("1,234.5", 1234.5),
        ("12,345,678", 12345678.0),
        ("0,5", 0.5),
        ("0,123", 0.123),
        ("", None),
        ("fast", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        ("1e300", None),
    ],
)
def test_durations_are_read_in_every_producers_notation(text: str, seconds: float | None) -> None:
    assert reading.duration(text) == seconds


# ------------------------------------------------------------------------------------------------- encodings, dialects


@pytest.mark.parametrize(
    "encoding", ["iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "UTF-8", "shift_jis", "ascii"]
)
def test_other_encodings_become_utf8(bench: Workbench, encoding: str) -> None:
    word = {"shift_jis": "日本", "ascii": "e"}.get(encoding, "é")
    document = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<testsuite name="{word}"><testcase name="{word}"/></testsuite>'
    )
    root = bench.merge(document.encode(encoding))
    assert not bench.problems
    assert (root[0].attrib["name"], root[0][0].attrib["name"]) == (word, word)
    assert f'<testcase name="{word}"/>'.encode() in bench.data


def test_a_byte_order_mark_is_no_content(bench: Workbench) -> None:
    bench.merge(b"\xef\xbb\xbf" + PYTEST.encode())
    assert not bench.problems
    assert b"\xef\xbb\xbf" not in bench.data


def test_an_encoding_that_names_no_character_set_is_refused(bench: Workbench) -> None:
    root = bench.merge(
        '<?xml version="1.0" encoding="zlib"?><testsuite/>', '<?xml version="1.0" encoding="no-such"?><a/>'
    )
    assert [error.attrib["type"] for error in root.iter("error")] == ["refused", "refused"]
    assert bench.problems == [
        "in0.xml: its encoding is not supported: zlib",
        "in1.xml: its encoding is not supported: no-such",
    ]


def test_a_doctype_without_entities_is_passed_over(bench: Workbench) -> None:
    root = bench.merge(
        '<!DOCTYPE testsuite SYSTEM "junit.dtd"><testsuite name="a"/>',
        "<!DOCTYPE testsuite [<!ELEMENT testsuite ANY>]><testsuite name='b'/>",
    )
    assert (names(root), bench.problems) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        ('<!ENTITY lol "lol">', "1:23: declares the entity lol: entities are not expanded"),
        ('<!ENTITY % lol "lol">', "1:23: declares the entity lol: entities are not expanded"),
        ('<!ENTITY lol SYSTEM "file:///etc/passwd">', "1:23: declares the entity lol: entities are not expanded"),
        ('<!ATTLIST testcase a CDATA "x">', "1:23: declares a default for the attribute a of testcase"),
    ],
)
def test_entities_and_attribute_defaults_are_refused(bench: Workbench, declaration: str, reason: str) -> None:
    root = bench.merge(f"<!DOCTYPE testsuite [{declaration}]><testsuite><testcase/></testsuite>")
    assert [error.attrib["type"] for error in root.iter("error")] == ["refused"]
    assert len(bench.problems) == 1
    assert bench.problems[0].split(": ", 1)[1] == reason.split(": ", 1)[1]


@pytest.mark.parametrize("place", ["<testcase name='&who;'/>", "<testcase>&who;</testcase>"])
def test_an_entity_of_an_external_dtd_does_not_get_into_the_output(bench: Workbench, place: str) -> None:
    bench.merge(f'<!DOCTYPE testsuite SYSTEM "junit.dtd"><testsuite><testcase name="kept"/>{place}</testsuite>')
    assert b"&who;" not in bench.data
    assert b'name="kept"' in bench.data
    assert bench.problems[0].endswith("undefined entity")


def test_namespace_prefixes_follow_the_suites_that_use_them(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuites xmlns:x="urn:x" xmlns="urn:junit"><testsuite name="a" x:id="1"><testsuite name="b">'
        '<testcase x:k="v"><failure/></testcase></testsuite></testsuite></testsuites>'
    )
    assert root[0].attrib["{urn:x}id"] == "1"
    assert root[1][0].attrib["{urn:x}k"] == "v"
    assert root.attrib["failures"] == "1"


def test_a_prefix_without_a_declaration_is_malformed(bench: Workbench) -> None:
    bench.merge('<testsuite><testcase name="kept"/><testcase x:k="v"/></testsuite>')
    assert bench.problems == ["in0.xml:1:35: unbound prefix"]


def test_elements_of_other_namespaces_do_not_count(bench: Workbench) -> None:
    root = bench.merge('<testsuite xmlns:o="urn:o"><testcase><o:failure/></testcase><o:testcase/></testsuite>')
    assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")


# ------------------------------------------------------------------------------------------------------ unusable inputs


def test_wherever_a_file_is_cut_what_was_complete_is_kept(bench: Workbench) -> None:
    for end in range(len(PYTEST)):
        root = bench.merge(PYTEST[:end])
        complete = [PYTEST[:end].count(mark) for mark in ('time="0.25"/>', "</testcase>")]
        assert int(root.attrib["tests"]) == sum(complete) + 1, end
        assert int(root.attrib["failures"]) == complete[1], end
        assert (root.attrib["errors"], len(bench.problems)) == ("1", 1), end


def test_a_truncated_file_is_named_with_the_place_where_it_breaks_off(bench: Workbench) -> None:
    root = bench.merge('<?xml version="1.0"?>\n<testsuite name="s">\n<testcase name="x"/>\n<testcase name="y"><fail')
    assert bench.problems == ["in0.xml:4:20: unclosed token"]
    error = root.find("testsuite[@name='merge']/testcase/error")
    assert error is not None and error.attrib["type"] == "truncated"
    assert error.attrib["message"].endswith("in0.xml:4:20: unclosed token")


@pytest.mark.parametrize(
    "declaration",
    ["", '<?xml version="1.0"?>', '<?xml version="1.0"\n encoding="iso-8859-1"?>', '<?xml version="1.0" ?>\n'],
)
def test_places_are_counted_as_in_the_file_itself(bench: Workbench, declaration: str) -> None:
    document = f"{declaration}<testsuite><<"
    bench.merge(document)
    line = document.count("\n") + 1
    column = len(document.rpartition("\n")[2])
    assert bench.problems == [f"in0.xml:{line}:{column}: not well-formed (invalid token)"]


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [
        (b"", "empty", "in0.xml: the file is empty"),
        (b"  \n", "empty", "in0.xml:2:1: holds no element"),
        (b"\x00\x01\xff\xfe" * 9, "malformed", "in0.xml:1:1: not well-formed (invalid token)"),
        (b"{}", "malformed", "in0.xml:1:1: not well-formed (invalid token)"),
        (
            b"<coverage/>",
            "foreign",
            "in0.xml:1:1: no JUnit XML: the root is <coverage>, not <testsuites> or <testsuite>",
        ),
        (
            b'<e:events xmlns:e="urn:e"/>',
            "foreign",
            "in0.xml:1:1: no JUnit XML: the root is <e:events>, not <testsuites> or <testsuite>",
        ),
        (b"<testsuite/>\n<suite/>", "malformed", "in0.xml:1:13: junk after document element"),
        (b"<testsuite/>\n<testsuite/><test", "malformed", "in0.xml:2:13: junk after document element"),
        (
            b"<testsuite/>\n<?xml version='1.0'?>\n<testsuite>",
            "truncated",
            "in0.xml:3:12: breaks off inside an element",
        ),
    ],
)
def test_what_is_no_junit_xml_is_an_error_that_names_the_file(
    bench: Workbench, content: bytes, kind: str, problem: str
) -> None:
    root = bench.merge(content, PYTEST)
    error = root.find("testsuite[@name='merge']/testcase/error")
    assert error is not None and error.attrib["type"] == kind
    assert bench.problems == [problem]
    assert (root.attrib["tests"], root.attrib["errors"]) == ("3", "1")


def test_a_mismatched_end_tag_does_not_get_into_the_output(bench: Workbench) -> None:
    root = bench.merge("<testsuite><testcase name='kept'/></testcase></testsuite>")
    assert [case.attrib["name"] for case in root[0]] == ["kept"]


def test_outer_suites_keep_what_stood_before_a_break_in_an_inner_one(bench: Workbench) -> None:
    root = bench.merge(
        '<testsuite name="a"><testcase name="1"/><testsuite name="b"><testcase name="2"></testcase><test'
    )
    assert names(root) == ["a", "a/b", "merge"]
    assert [len(element) for element in root] == [1, 1, 1]


@pytest.mark.parametrize(
    ("encoding", "broken"),
    [
        ("shift_jis", b"\x81\xff"),
        ("windows-1252", b"\x81"),
        ("utf-16", b"\x00\xdc\x00\xdc"),
        ("euc-kr", b"\xff\xff"),
        ("utf-8", b"\xff"),
    ],
)
def test_text_that_does_not_decode_costs_those_characters_only(bench: Workbench, encoding: str, broken: bytes) -> None:
    kept = "€" if encoding in ("windows-1252", "utf-16", "utf-8") else "日"
    document = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="{kept}"/><testcase name="'
    end = '"/><testcase name="last"/></testsuite>'.encode(encoding.replace("utf-16", "utf-16-le"))
    root = bench.merge(document.encode(encoding) + broken + end)
    first, second, last = [case.attrib["name"] for case in root[0]]
    assert (first, set(second), last) == (kept, {"\ufffd"}, "last")
    assert (bench.problems, [file.is_mended for file in bench.merged]) == ([], [True])


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(bench: Workbench, tmp_path: Path) -> None:
    root = bench.merge_files(tmp_path / "none.xml")
    assert bench.problems == ["none.xml: cannot be read: No such file or directory"]
    assert [error.attrib["type"] for error in root.iter("error")] == ["unreadable"]


def test_suites_may_not_be_nested_without_end(bench: Workbench) -> None:
    bench.merge('<testsuite name="deep">' * 1000)
    assert "nested more than 50 deep" in bench.problems[0]


def test_inherited_declarations_may_not_multiply(bench: Workbench) -> None:
    bench.merge(f'<testsuites xmlns:a="{"x" * 5000}">{"<testsuite/>" * 1000}</testsuites>')
    assert "bytes of namespaces" in bench.problems[0]
    assert len(bench.data) < 20_000


def test_an_absurdly_long_name_is_cut(bench: Workbench) -> None:
    root = bench.merge(f"<testsuites>{f'''<testsuite name='{'n' * 10_000}'/>''' * 2}</testsuites>")
    assert [len(name) for name in names(root)] == [500, 502]


def test_tokens_larger_than_a_chunk_are_read_whole(bench: Workbench) -> None:
    huge = "x" * 700_000
    root = bench.merge(
        f'<testsuite name="s"><testcase name="{huge}"><failure message="{huge}">{huge}</failure></testcase></testsuite>'
    )
    assert root[0][0].attrib["name"] == huge
    assert root.attrib["failures"] == "1"


def test_a_huge_token_is_not_looked_at_once_per_small_chunk(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    append = reading.Spool.append
    monkeypatch.setattr(decoding, "_CHUNK", 1000)
    monkeypatch.setattr(reading.Spool, "append", lambda spool, data: sizes.append(len(data)) or append(spool, data))
    bench.merge(f'<testsuite name="s"><testcase name="{"x" * 500_000}"/></testsuite>')
    assert not bench.problems
    assert len(sizes) < 50  # of 500; how soon a parser takes what it has differs between versions of expat


def test_a_place_for_the_spool_that_cannot_be_written_is_an_infrastructure_error(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot write into"):
        Merge(directory=tmp_path / "none")


# ------------------------------------------------------------------------------------- what XML or JUnit does not know


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\x1b[31mred", "#x1B[31mred"),
        ("&#27;[31m", "#x1B[31m"),
        ("&#x1b;[31m &amp; &#9731; &#x2603;", "#x1B[31m & ☃ ☃"),
        ("a\x00b\uffffc", "a#x00b#xFFFFc"),
        ("&#xD800;&#xFFFE;&#x110000;&#99999999;", "#xD800#xFFFE#x110000#x5F5E0FF"),
        ("<![CDATA[&#27; \x1b]]>&#27;", "&#27; #x1B#x1B"),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_character_that_xml_cannot_hold_costs_that_character_only(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, written: str, read: str, version: str
) -> None:
    document = (
        f'<?xml version="{version}" encoding="UTF-8"?>\n<testsuites><testsuite name="a"><testcase name="one"/>'
        f'<testcase name="two"><failure>{written}</failure></testcase></testsuite><testsuite name="b">'
        '<testcase name="last"/></testsuite></testsuites>'
    )
    root = bench.merge(document)
    whole = bench.data
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["one", "two", "last"]
    assert [failure.text for failure in root.iter("failure")] == [read]
    assert (bench.problems, [file.is_mended for file in bench.merged]) == ([], [True])
    for size in (1, 3):
        monkeypatch.setattr(decoding, "_CHUNK", size)
        monkeypatch.setattr(decoding, "_HEAD", 40)
        bench.merge(document)
        assert bench.data == whole


def test_what_xml_can_hold_is_not_touched(bench: Workbench) -> None:
    bench.merge("<testsuite><testcase name='&#x41;&#10;'/></testsuite>")
    assert b"&#x41;&#10;" in bench.data
    assert [file.is_mended for file in bench.merged] == [False]


def test_several_documents_in_one_file_are_all_read(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = '<?xml version="1.0"?>'
    document = (
        f'{declaration}\n<testsuite name="one" time="1"><testcase name="x"/></testsuite>\n\n{declaration}\n'
        f'<testsuites time="5"><testsuite name="two"><testcase name="x"/><testcase name="y"><failure/></testcase>'
        f'</testsuite></testsuites><testsuite xmlns="urn:three" name="three"><testcase name="z"/></testsuite>\n'
    )
    root = bench.merge(document)
    whole = bench.data
    assert names(root) == ["one", "two", "three"]
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["time"]) == ("4", "1", "6.000")
    assert bench.problems == []
    monkeypatch.setattr(decoding, "_CHUNK", 1)
    monkeypatch.setattr(decoding, "_HEAD", 30)
    bench.merge(document)
    assert bench.data == whole


def test_a_thousand_documents_are_read(bench: Workbench) -> None:
    root = bench.merge("<testsuite><testcase/></testsuite>\n" * 3000)
    assert root.attrib["tests"] == "3000"


def test_what_is_wrong_in_a_later_document_is_told_with_its_line(bench: Workbench) -> None:
    bench.merge('<testsuite/>\n\n<?xml version="1.0"?>\n<testsuite>\n<testcase></testsuite>')
    assert bench.problems == ["in0.xml:5:13: mismatched tag"]


@pytest.mark.parametrize(
    ("producer", "case"),
    [
        ("googletest, disabled", '<testcase name="t" status="notrun" result="suppressed" time="0"/>'),
        ("googletest, skipped", '<testcase name="t" status="run" result="skipped" time="0"></testcase>'),
        ("ctest", '<testcase name="t" status="disabled"><properties/></testcase>'),
        ("ctest, an element", '<testcase name="t" status="run"><disabled message="no"/></testcase>'),
        ("nunit", '<testcase name="t" executed="False"/>'),
        ("nunit 3", '<testcase name="t" result="Inconclusive" />'),
        ("behave", '<testcase name="t" status="untested"/>'),
        ("mocha", '<testcase name="t" state="pending"><system-out>x</system-out></testcase>'),
        ("jest", '<testcase name="t"><todo/></testcase>'),
        ("robot", '<testcase name="t" status="NOT RUN"/>'),
        ("a namespace", '<u:testcase xmlns:u="urn:x" name="t" status="notrun"/>'),
    ],
)
def test_what_did_not_run_is_no_pass(bench: Workbench, producer: str, case: str) -> None:
    del producer
    kind = "" if "urn:x" in case else "1"
    root = bench.merge(f'<testsuite name="s"><testcase name="before"/>{case}<testcase name="after"/></testsuite>')
    assert root.attrib["skipped"] == (kind or "0")
    assert len(list(root.iter("skipped"))) == int(kind or 0)
    assert len(list(root[0])) == 3


@pytest.mark.parametrize("said", ['status="failed"', 'result="Failure"', 'outcome="timed-out"', 'state="broken"'])
@pytest.mark.parametrize("end", ["/>", "></testcase>", "><system-out>x</system-out></testcase>"])
def test_what_says_that_it_failed_in_its_own_way_is_a_failure(bench: Workbench, said: str, end: str) -> None:
    root = bench.merge(f'<testsuite name="s"><testcase name="t" {said}{end}<testcase name="after"/></testsuite>')
    (failure,) = root.iter("failure")
    assert failure.attrib["message"].replace(": ", '="') + '"' == said
    assert root.attrib["failures"] == "1"


def test_an_element_decides_before_what_an_attribute_says(bench: Workbench) -> None:
    cases = '<testcase status="notrun"><failure/></testcase><testcase status="failed"><skipped/></testcase>'
    root = bench.merge(f'<testsuite name="s">{cases}<testcase status="run" result="completed"/></testsuite>')
    assert [root.attrib[name] for name in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "1"]


@pytest.mark.parametrize("end", range(20, 140, 3))
def test_a_file_that_breaks_off_after_an_addition_stays_wellformed(bench: Workbench, end: int) -> None:
    document = (
        '<testsuite name="s"><testcase name="a" status="notrun"/><testcase name="b" status="notrun"></testcase>'
        '<testcase name="c"/></testsuite>'
    )
    root = bench.merge(document[:end])
    assert root.attrib["skipped"] == str(sum(mark in document[:end] for mark in ('notrun"/>', '"></testcase>')))


@pytest.mark.parametrize("declared", ['failures="2"', 'errors="1" failures="1"'])
def test_failures_that_are_declared_and_not_there_are_an_error(bench: Workbench, declared: str) -> None:
    root = bench.merge(
        f'<testsuites><testsuite name="s" tests="3" {declared}><testcase name="a"/></testsuite></testsuites>'
    )
    assert bench.problems == ["in0.xml: declares 2 failures, and no testcase in it has one"]
    assert (root.attrib["tests"], root.attrib["errors"]) == ("2", "1")


# -------------------------------------------------------------------------------------------------------------- fuzzing

fuzzing = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)

PIECES = [
    *("<testsuites>", "</testsuites>", "<testsuite>", "</testsuite>", "<testcase>", "</testcase>", "<testcase/>"),
    *("<failure/>", "<error>", "</error>", "<skipped/>", "<testsuite/>", "<x:testcase/>", "<a>", "</a>", "<a/>"),
    *('<testsuite name="n" xmlns:x="u" xmlns="v">', "<testcase time='1'>", "<!-- <testcase> -->", "<![CDATA[<]]>"),
    *("&amp;", "&x;", "<?pi ?>", "text", "\x00", "é", "<", ">", '"', "<!DOCTYPE a [", "<!ENTITY x 'y'>", "]>"),
    *("&#27;", "&#x1b;", "\x1b", "<testcase status='notrun'/>", "<testcase status='failed'>", "<disabled/>"),
    *('<?xml version="1.0"?>', '<?xml version="1.0" encoding="latin-1"?>', '<?xml version="1.1" encoding="utf-16"?>'),
]


def merged_or_refused(directory: Path, content: bytes) -> None:
    try:
        Workbench(directory).merge(content, PYTEST)
    except RunnerError:
        pass


@fuzzing
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_give_a_wellformed_report(tmp_path: Path, content: bytes) -> None:
    merged_or_refused(tmp_path, content)


@fuzzing
@given(content=st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_arbitrary_markup_gives_a_wellformed_report_with_right_counts(tmp_path: Path, content: str) -> None:
    merged_or_refused(tmp_path, content.encode())


@fuzzing
@given(
    edits=st.lists(st.tuples(st.integers(0, len(PYTEST)), st.integers(0, 9), st.binary(max_size=4)), max_size=4),
)
def test_damaged_reports_give_a_wellformed_report_with_right_counts(
    tmp_path: Path, edits: list[tuple[int, int, bytes]]
) -> None:
    content = PYTEST.encode()
    for start, length, new in edits:
        content = content[:start] + new + content[start + length :]
    merged_or_refused(tmp_path, content)


@fuzzing
@example(content="</testsuite>text", size=1)
@given(content=st.lists(st.sampled_from(PIECES), max_size=12).map("".join), size=st.integers(1, 9))
def test_the_size_of_the_chunks_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, size: int
) -> None:
    bench = Workbench(tmp_path)
    document = f'<testsuite name="s">{content}</testsuite>'
    bench.merge(document)
    whole = bench.data
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "_CHUNK", size)
        patch.setattr(decoding, "_HEAD", 20)
        bench.merge(document)
    assert bench.data == whole


# ------------------------------------------------------------------------------------------------------ its own dialect


def test_a_merged_report_merges_into_itself(bench: Workbench) -> None:
    bench.merge(PYTEST, at(0), PYTEST.replace("2026-01-01T10", "2026-01-01T11"), name="all")
    once = bench.data
    bench.merge(once, name="all")
    assert bench.data == once
