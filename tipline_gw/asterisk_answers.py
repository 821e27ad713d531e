"""What the answers of a running Asterisk say of who could learn who calls.

Each function takes one answer apart by what is known of it; an answer that is not as expected is
a fault as well, never a silence. The answers may hold numbers: what is told again are words of our
own, counts, and names in a form that no number has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tipline_gw.asterisk_files import (
    FORGET,
    FORGETS,
    FROM_LINE,
    HAS_CALLER,
    MUST_NOT_LOAD,
    NOBODY,
    QUOTES_SIP,
    READS_FROM,
    Fault,
)
from tipline_gw.asterisk_release import NEWER, parse

_NO_SUCH = "No such command"
_SETTING = re.compile(r"^  ([A-Z][A-Za-z() /]+?):+ +(\S.*?) *$", re.MULTILINE)
# label of `core show settings`, what it must say, what is wrong otherwise, what to do
_SETTINGS = (
    ("Root console verbosity", "0", "verbose messages quote callers", "core set verbose 0"),
    ("Debug level", "0", "debug messages quote callers", "core set debug 0"),
    ("Trace level", "0", "trace messages quote callers", "core set trace 0"),
    ("Dump core on crash", "No", "a core dump holds callers' numbers", "start it without -g"),
    ("Manager (AMI)", "Disabled", "the manager interface tells who calls",
     "set enabled = no in manager.conf, then manager reload"),
    ("Web Manager (AMI/HTTP)", "Disabled", "the manager interface tells who calls over HTTP",
     "set webenabled = no in manager.conf, then manager reload"),
    ("Call data records", "Disabled", "call detail records hold every caller's number",
     "set enable = no in cdr.conf, then module reload cdr"),
    ("Executable includes", "Disabled", "its files may run programs",
     "set execincludes = no in asterisk.conf, then restart it"),
    ("Realtime Architecture (ARA)", "Disabled", "part of its configuration is in a database",
     "empty extconfig.conf, then restart it"),
)  # fmt: skip
_ALWAYS = ("Root console verbosity", "Debug level", "Dump core on crash", "Manager (AMI)",
           "Call data records")  # fmt: skip
_CHANNEL = re.compile(
    r"^.*?\s(Console|File|Syslog|Unknown)\s+\S+\s+(?:Enabled|Disabled)\s+-\s*([A-Z ]*)",
    re.MULTILINE,
)
_LEVELS = ("DEBUG", "TRACE", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "SECURITY", "FAX")
_MODULE = re.compile(r"^([a-z][a-z0-9_]{2,60})\.so\s.*\s\d+\s+Running\s", re.MULTILINE)
_CONTEXT = re.compile(r"^\[ Context '([^']*)' created by", re.MULTILINE)
_EXTENSION = re.compile(r"^  '[^']*'(?: \(CID match '[^']*'\))? =>\s+(.*)$")
_PRIORITY = re.compile(r"^(\d+)\. (.*?)\s*(?:\[[^\]]*\])?$")
_INCLUDED = re.compile(r"^  (Include|Alt\. Switch|Switch) =>")
_ENDPOINT = re.compile(r"([A-Za-z0-9_.-]{1,64})(?:/\S*)?\s")
_PARAMETER = re.compile(r"^ ([a-z0-9_]+) +: (.*?) *$", re.MULTILINE)
_PARAMETERS_NO = (
    "trust_id_inbound", "trust_id_outbound", "send_pai", "send_rpid", "send_diversion",
    "send_connected_line", "send_history_info", "allow_subscribe", "one_touch_recording",
    "media_encryption_optimistic",
)  # fmt: skip
_OURS_IN_DATABASE = "/pbx/UUID "
_TO_FILES = "write its configuration again (tipline-gw asterisk-config), then restart it"


def version(answer: str) -> Iterator[Fault]:
    release = parse(answer)
    if release is not None and release.lacks:
        yield _fault("core show version", release.lacks, NEWER, fatal=False)


def settings(answer: str) -> Iterator[Fault]:
    said = dict(_SETTING.findall(answer))
    for label, must, what, todo in _SETTINGS:
        if label not in said and label in _ALWAYS:
            yield _fault("core show settings", f"it does not tell {label}", "update tipline-gw")
        elif said.get(label, must) != must:
            yield _fault("core show settings", what, todo)
    if not re.match(r"\d+ ", said.get("Maximum calls", "")):
        what = "it takes any number of calls"
        yield _fault("core show settings", what, "set maxcalls in asterisk.conf, then restart it")


def events(answer: str) -> Iterator[Fault]:
    if _NO_SUCH not in answer and not re.search(r"^CEL Logging: Disabled$", answer, re.MULTILINE):
        todo = "set enable = no in cel.conf, then module reload cel"
        yield _fault("cel show status", "channel events hold every caller's number", todo)


def http(answer: str) -> Iterator[Fault]:
    if _NO_SUCH not in answer and not re.search(r"^Server Disabled", answer, re.MULTILINE):
        todo = "set enabled = no in http.conf, then module reload http"
        yield _fault("http show status", "HTTP tells who calls", todo)


def modules_in(answer: str) -> list[str]:
    """Those that run, without what is part of Asterisk itself."""
    return [f"{name}.so" for name in _MODULE.findall(answer)]


def modules(running: Collection[str], wanted: Collection[str]) -> Iterator[Fault]:
    if not running:
        yield _fault("module show", "it does not tell its modules", "update tipline-gw")
    for name in running:
        if MUST_NOT_LOAD.match(name):
            what = f"{name} records, publishes or logs callers"
            yield _fault("module show", what, f"module unload {name}")
        elif wanted and name not in wanted:
            what = f"{name} runs and is not in modules.conf"
            yield _fault("module show", what, f"module unload {name}, or name it there")


def logger(answer: str, sticks: bool) -> Iterator[Fault]:
    """``sticks``: a driver is loaded that quotes callers even in its errors."""
    channels = _CHANNEL.findall(answer)
    if "Logger queue" not in answer and not channels:
        yield _fault("logger show channels", "it does not tell its log", "update tipline-gw")
    for kind, said in channels:
        # The console always takes part in verbose messages; how many is among the settings.
        harmless = {"Console": {"VERBOSE"}}.get(kind, set())
        harmless |= set() if sticks else {"WARNING", "ERROR"}
        levels = [level for level in _LEVELS if level in said.split() and level not in harmless]
        if levels:
            what = f"a log ({kind.lower()}) takes {', '.join(levels)}, which quote callers"
            todo = "logger remove channel with its name, or correct logger.conf and logger reload"
            yield _fault("logger show channels", what, todo)


def dialplan(answer: str) -> Iterator[Fault]:
    contexts = _contexts(answer)
    for name in sorted(contexts):
        if FROM_LINE.fullmatch(name) and not all(map(_forgets_first, contexts[name])):
            what = "a context that trunks deliver to does not first forget who calls"
            yield _fault("dialplan show", what, _TO_FILES)
    if "from-line" not in contexts:
        yield _fault("dialplan show", "there is no context from-line", _TO_FILES)
    served = [ext for extensions in contexts.values() for ext in extensions if _serves(ext)]
    for extension in served:
        before = extension[: next(i for i, does in enumerate(extension) if "AGI(agi://" in does)]
        for what in FORGETS:
            if f"Set({what}=)" not in before:
                said = f"{what} is not blanked before the gateway is called"
                yield _fault("dialplan show", said, _TO_FILES)
    if not served:
        yield _fault("dialplan show", "no call goes to the gateway", _TO_FILES)


def _contexts(answer: str) -> dict[str, list[list[str]]]:
    """The applications of each extension, by context. What takes in another context is an
    extension that does not forget."""
    contexts: dict[str, list[list[str]]] = {}
    extensions: list[list[str]] = []
    for line in answer.splitlines():
        if found := _CONTEXT.match(line):
            extensions = contexts.setdefault(found[1], [])
        elif _INCLUDED.match(line):
            extensions.append([])
        else:
            begins = _EXTENSION.match(line)
            if begins:
                extensions.append([])
            if extensions and (does := _PRIORITY.match(begins[1] if begins else line.strip())):
                extensions[-1].append(does[2])
    return contexts


def _forgets_first(extension: list[str]) -> bool:
    return extension[:1] == [FORGET]


def _serves(extension: list[str]) -> bool:
    return any("AGI(agi://" in does for does in extension)


def hints(answer: str) -> Iterator[Fault]:
    if _NO_SUCH not in answer and "no registered dialplan hints" not in answer:
        what = "hints tell others when somebody calls"
        yield _fault("core show hints", what, "remove them from extensions.conf, dialplan reload")


def variables(answer: str) -> Iterator[Fault]:
    found = re.search(r"-- (\d+) variable", answer)
    if found is None or found[1] != "0":
        what = f"{found[1] if found else 'unknown'} global variables, which may hold callers"
        yield _fault("dialplan show globals", what, "remove [globals] there, then restart it")


def database(answer: str) -> Iterator[Fault]:
    """Only how many entries; Asterisk's own identifier is one of them."""
    found = re.search(r"^(\d+) results? found", answer, re.MULTILINE)
    own = sum(line.startswith(_OURS_IN_DATABASE) for line in answer.splitlines())
    if found is None or int(found[1]) > min(own, 1):
        count = int(found[1]) - min(own, 1) if found else "unknown"
        what = f"its database has entries ({count}), which may hold callers"
        yield _fault("database show", what, "see what they are; database deltree FAMILY")


def endpoints(answer: str) -> tuple[list[str], list[Fault]]:
    """Their names, and a fault where one has a name that cannot be asked for."""
    listed = re.findall(r"^ Endpoint:  (?!<)(.*)$", answer, re.MULTILINE)
    found = [_ENDPOINT.match(line) for line in listed]
    names = [match[1] for match in found if match]
    if len(names) == len(listed):
        return names, []
    todo = "name it by letters, digits and . _ - alone"
    return names, [_fault("pjsip show endpoints", "an endpoint's name cannot be asked for", todo)]


def endpoint(name: str, answer: str, srtp: bool) -> Iterator[Fault]:
    command, who = "pjsip show endpoint", f"endpoint {_shown(name)}"
    said = dict(_PARAMETER.findall(answer))
    if "trust_id_inbound" not in said:
        yield _fault(command, f"{who} cannot be read", "update tipline-gw")
    for key in _PARAMETERS_NO:
        if said.get(key, "no") not in ("no", "false"):
            yield _fault(command, f"{who}: {key} takes or gives who calls", f"set {key} = no")
    if not said.get("callerid_privacy", "prohib").startswith("prohib"):
        yield _fault(command, f"{who} shows its caller", "set callerid_privacy = prohib")
    if not HAS_CALLER.fullmatch(said.get("callerid", "")):
        yield _fault(command, f"{who}: {READS_FROM}", f"set callerid = {NOBODY}")
    if not FROM_LINE.fullmatch(said.get("context", "")):
        what = f"{who} delivers to a context that may not forget who calls"
        yield _fault(command, what, "set context = from-line")
    if srtp and said.get("media_encryption") != "sdes":
        yield _fault(command, f"{who}: its speech goes in clear", "set media_encryption = sdes")


def mappings(answer: str) -> Iterator[Fault]:
    """Of pjproject's log levels to Asterisk's."""
    mapped = re.findall(r"^asterisk_\w+ *:(.*)$", answer, re.MULTILINE)
    if _NO_SUCH not in answer and (not mapped or any(map(str.strip, mapped))):
        todo = "correct pjproject.conf, then restart it"
        yield _fault("pjproject show log mappings", QUOTES_SIP, todo)


def _shown(name: str) -> str:
    """Whoever names an endpoint by a number has it not told again."""
    return "(unnamed)" if sum(character.isdigit() for character in name) > 4 else name


def _fault(command: str, what: str, todo: str, *, fatal: bool = True) -> Fault:
    return Fault(f"the running Asterisk ({command})", 0, what, todo, fatal)
