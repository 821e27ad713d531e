"""Answers of a real Asterisk 22, and what others and older ones say instead."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw import asterisk_answers as answers

NUMBER = "526561234567"
SETTINGS = """
PBX Core settings
-----------------
  Version:                     22.10.1
  Maximum calls:               4 (Current 0)
  Root console verbosity:      0
  Current console verbosity:   0
  Debug level:                 0
  Trace level:                 0
  Dump core on crash:          No
  Executable includes:         Disabled
  Min DTMF duration::          80

* Subsystems
  -------------
  Manager (AMI):               Disabled
  Web Manager (AMI/HTTP):      Disabled
  Call data records:           Disabled
  Realtime Architecture (ARA): Disabled
"""
LOGGER = """Logger queue limit: 1000

Channel                             Type     Formatter  Status    Configuration
-------                             ----     ---------  ------    -------------
{}
"""
CONSOLE = (
    "                                    Console  default    Enabled    - WARNING ERROR VERBOSE "
)
FILE = f"/var/log/asterisk/{NUMBER}     File     default    Enabled    - NOTICE ERROR "
DIALPLAN = """[ Context 'from-line' created by 'pbx_config' ]
  '6561110000' =>   1. Set(CALLERID(all)=)                        [extensions.conf:10]
                    2. Goto(any-number,s,1)                       [extensions.conf:11]
  '_X!' =>          1. Set(CALLERID(all)=)                        [extensions.conf:12]
                    2. Goto(any-number,s,1)                       [extensions.conf:13]

[ Context 'tip-line' created by 'pbx_config' ]
  's' =>            1. Set(CALLERID(all)=)                        [extensions.conf:20]
                    2. Set(CALLERID(ANI-all)=)                    [extensions.conf:23]
                    3. Set(CALLERID(RDNIS)=)                      [extensions.conf:25]
                    4. Set(CALLERID(DNID)=)                       [extensions.conf:26]
     [there]        5. Answer()                                   [extensions.conf:34]
                    6. AGI(agi://127.0.0.1:4573,${TIPLINE_TRUNK}) [extensions.conf:35]

-= 3 extensions (10 priorities) in 2 contexts. =-
"""
ENDPOINT = """
 ParameterName                      : ParameterValue
 ===================================================
 allow_subscribe                    : false
 callerid                           : "anonymous" <anonymous>
 callerid_privacy                   : prohib
 context                            : from-line-pri
 media_encryption                   : no
 send_connected_line                : no
 send_pai                           : false
 trust_id_inbound                   : false
"""


def said(found):
    return " ".join(f"{fault.what} {fault.todo}" for fault in found)


def test_settings_that_leak_nothing_have_no_fault():
    assert list(answers.settings(SETTINGS)) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Root console verbosity:      0", "Root console verbosity:      5", "verbose"),
        ("Debug level:                 0", "Debug level:                 1", "debug"),
        ("Trace level:                 0", "Trace level:                 1", "trace"),
        ("crash:          No", "crash:          Yes", "core dump"),
        ("(AMI):               Disabled", "(AMI):               Enabled", "manager interface"),
        ("(AMI/HTTP):      Disabled", "(AMI/HTTP):      Enabled", "over HTTP"),
        ("records:           Disabled", "records:           Enabled", "call detail records"),
        ("includes:         Disabled", "includes:         Enabled", "may run programs"),
        ("(ARA): Disabled", "(ARA): Enabled", "database"),
        ("4 (Current 0)", "Not set", "any number of calls"),
        ("  Debug level:                 0\n", "", "does not tell Debug level"),
    ],
)
def test_each_setting_that_leaks_is_named(old, new, what):
    assert old in SETTINGS
    (fault,) = answers.settings(SETTINGS.replace(old, new))
    assert what in fault.what
    assert fault.todo


def test_a_setting_that_older_releases_do_not_have_is_not_missed():
    assert list(answers.settings(SETTINGS.replace("  Trace level:                 0\n", ""))) == []


def test_an_answer_that_says_nothing_is_no_silence():
    assert len(list(answers.settings(""))) == 6
    for parser in (answers.events, answers.http, answers.hints, answers.variables,
                   answers.database, answers.dialplan):  # fmt: skip
        assert list(parser("")), parser
    assert list(answers.modules([], []))
    assert list(answers.logger("", sticks=False))
    assert list(answers.endpoint("line", "", srtp=False))


def test_what_is_not_loaded_has_no_state():
    none = "No such command 'http show status' (type 'core show help' for others)\n"
    for parser in (answers.events, answers.http, answers.hints):
        assert list(parser(none)) == []
    assert answers.endpoints(none) == ([], [])


def test_a_release_that_lacks_keys_is_a_warning():
    (fault,) = answers.version("Asterisk 20.9.0 built by nobody")
    assert not fault.fatal
    assert "22.4" in fault.todo
    assert list(answers.version("Asterisk 22.10.1 built by nobody")) == []


@pytest.mark.parametrize(
    ("rows", "sticks", "levels"),
    [
        (CONSOLE, False, None),
        (CONSOLE, True, "WARNING, ERROR"),
        (f"{CONSOLE}\n{FILE}", False, "NOTICE"),
        (FILE.replace("NOTICE ERROR", "DEBUG SECURITY"), False, "DEBUG, SECURITY"),
        (FILE.replace("File  ", "Syslog"), False, "NOTICE"),
        (FILE.replace("NOTICE ", "").replace("ERROR", "VERBOSE"), False, "VERBOSE"),
        (CONSOLE.replace("VERBOSE", "DTMF"), False, "DTMF"),
        ("", False, None),
        ("", True, None),
    ],
)
def test_a_log_that_quotes_callers_is_named_by_its_levels_alone(rows, sticks, levels):
    found = list(answers.logger(LOGGER.format(rows), sticks))
    assert bool(found) is bool(levels)
    if levels:
        assert f"takes {levels}, which" in found[0].what
    assert NUMBER not in said(found)


def test_modules_are_measured_by_name_and_by_the_file():
    answer = (
        "Module          Description     Use Count  Status      Support Level\n"
        "acl             Named ACL       2          Running              core\n"
        "cdr_csv.so      CSV             0          Running              core\n"
        "res_agi.so      AGI             0          Running              core\n"
        "res_hep.so      HEP             0          Not Running          core\n"
        "app_echo.so     Echo            0          Running              core\n"
        "3 modules loaded\n"
    )
    running = answers.modules_in(answer)
    assert running == ["cdr_csv.so", "res_agi.so", "app_echo.so"]
    found = list(answers.modules(running, ["res_agi.so", "cdr_csv.so"]))
    assert [fault.what.split()[0] for fault in found] == ["cdr_csv.so", "app_echo.so"]
    assert [fault.what.split()[0] for fault in answers.modules(running, [])] == ["cdr_csv.so"]


def test_the_dialplan_as_it_is_written_has_no_fault():
    assert list(answers.dialplan(DIALPLAN)) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("'_X!' =>          1. Set(CALLERID(all)=)", "'_X!' =>          1. Answer()      ",
         "does not first forget"),
        ("'_X!' =>          1.", "Include =>  'other'\n  '_X!' =>          1.",
         "does not first forget"),
        ("'_X!' =>          1.", "'_X!' (CID match '65') =>  1. Answer()   [x]\n  '_X!' =>    1.",
         "does not first forget"),
        ("Set(CALLERID(RDNIS)=)", "NoOp()", "RDNIS"),
        ("AGI(agi://", "Verbose(", "no call goes to the gateway"),
        ("'from-line'", "'others'", "no context from-line"),
    ],
)  # fmt: skip
def test_a_dialplan_that_does_not_forget_is_named(old, new, what):
    assert old in DIALPLAN
    found = list(answers.dialplan(DIALPLAN.replace(old, new, 1)))
    assert what in said(found)
    assert not re.search(r"\d{5}", said(found))


def test_what_is_in_the_database_is_counted_and_not_told():
    own = "/pbx/UUID                                         : 9409f4df\n"
    assert list(answers.database(f"{own}1 results found.\n")) == []
    assert list(answers.database("0 results found.\n")) == []
    kept = f"/cidname/{NUMBER} : Ana\n{own}2 results found.\n"
    (fault,) = answers.database(kept)
    assert "entries (1)" in fault.what
    assert NUMBER not in said([fault])
    forged = f"/x : y\n{own}{own}2 results found.\n"
    assert list(answers.database(forged))


def test_variables_and_hints():
    assert list(answers.variables("\n    -- 0 variable(s)\n")) == []
    assert said(answers.variables(f"   LAST={NUMBER}\n    -- 1 variable(s)\n")).startswith("1 ")
    assert list(answers.hints("There are no registered dialplan hints\n")) == []
    assert list(answers.hints("s@tip-line : PJSIP/line  State:Idle\n1 hint registered\n"))


MAPPINGS = """PJPROJECT to Asterisk log mappings:
Asterisk Level   : PJPROJECT log levels
asterisk_notice  : {}
asterisk_error   : {}
"""


def test_what_pjproject_says_is_not_logged():
    assert list(answers.mappings(MAPPINGS.format("", ""))) == []
    assert list(answers.mappings("No such command 'pjproject show log mappings'")) == []
    for answer in (MAPPINGS.format("", "0,1"), MAPPINGS.format("5", ""), ""):
        (fault,) = answers.mappings(answer)
        assert "pjproject" in fault.what


def test_an_endpoint_that_leaks_nothing_has_no_fault():
    assert list(answers.endpoint("pri", ENDPOINT, srtp=False)) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("trust_id_inbound                   : false", "trust_id_inbound                   : true",
         "trust_id_inbound"),
        ("send_pai                           : false", "send_pai                           : true",
         "send_pai"),
        ("send_connected_line                : no", "send_connected_line                : yes",
         "send_connected_line"),
        ("prohib", "allowed_passed_screen", "shows its caller"),
        ("<anonymous>", "<unknown>", "From header is read"),
        ('"anonymous" <anonymous>', "<unknown>", "From header is read"),
        ('"anonymous" <anonymous>', "", "From header is read"),
        ("from-line-pri", "default", "may not forget"),
        ("from-line-pri", "", "may not forget"),
    ],
)  # fmt: skip
def test_an_endpoint_that_leaks_is_named(old, new, what):
    (fault,) = answers.endpoint("pri", ENDPOINT.replace(old, new), srtp=False)
    assert what in fault.what
    assert "endpoint pri" in fault.what


def test_an_endpoint_named_by_a_number_is_not_named():
    (fault,) = answers.endpoint(NUMBER, ENDPOINT, srtp=True)
    assert "endpoint (unnamed): its speech goes in clear" in fault.what


def test_endpoints_are_listed_and_one_that_cannot_be_asked_for_is_told():
    header = " Endpoint:  <Endpoint/CID.....................................>  <State.....>\n"
    rows = f"{header} Endpoint:  line/{NUMBER}          Unavailable   0 of inf\n"
    assert answers.endpoints(rows) == (["line"], [])
    names, found = answers.endpoints(f"{rows} Endpoint:  +{NUMBER}    Unavailable   0 of inf\n")
    assert names == ["line"]
    assert len(found) == 1
    assert NUMBER not in said(found)


PARSERS = (
    answers.version, answers.settings, answers.events, answers.http, answers.hints,
    answers.variables, answers.database, answers.dialplan, answers.mappings,
    lambda text: answers.logger(text, sticks=False),
    lambda text: answers.modules(answers.modules_in(text), []),
    lambda text: answers.endpoints(text)[1],
    lambda text: answers.endpoint(NUMBER, text, srtp=True),
)  # fmt: skip
LINES = st.sampled_from(
    [*SETTINGS.splitlines(), *LOGGER.splitlines(), CONSOLE, FILE, *DIALPLAN.splitlines(),
     *ENDPOINT.splitlines(), f"asterisk_error : {NUMBER}", f"/cidname/{NUMBER} : x",
     f" Endpoint:  {NUMBER}  x", "9 results found"]
)  # fmt: skip


@given(st.lists(LINES | st.text(max_size=80), max_size=30))
def test_any_answer_is_faults_and_no_number(lines):
    for parser in PARSERS:
        for fault in parser("\n".join(lines)):
            assert fault.what
            assert NUMBER not in f"{fault.file} {fault.what} {fault.todo}"
