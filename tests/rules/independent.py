#!/usr/bin/env python3
"""Reads a block list a second time, for the tests: `independent.py SYNTAX FILE`.

Written from the descriptions of the formats and from what a person would say that a line means, not from the program,
and with other means: regular expressions over whole lines in place of parsers. Prints one line an entry, `KIND NAME`,
sorted and once each; then `REJECTED N` for each line N of which nothing, or not all, became an entry. Kinds are those
of docs/list-syntaxes.md. The public suffixes it knows are those that the generated files use.
"""

import ipaddress
import re
import sys

SUFFIXES = {"co.uk", "com.pl", "org.uk", "gov.pl"}
LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
NAME = re.compile(rf"(?:{LABEL}\.)+{LABEL}")
OWN = {"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback"}


def name(text):
    """The name that a host means, or None."""
    text = text.lower().rstrip(".")
    if not text.isascii():
        try:
            text = ".".join(part.encode("idna").decode() for part in text.split("."))
        except UnicodeError:
            return None
    if not NAME.fullmatch(text) or len(text) > 253 or text in SUFFIXES or text.split(".")[-1].isdigit():
        return None
    return text


def is_address(text):
    try:
        ipaddress.ip_address(text.split("%")[0].strip("[]"))
        return True
    except ValueError:
        return False


URL = re.compile(r"(?:[a-z]+://)?(?P<host>[^/?#:\s@]+)(?::(?P<port>\d+))?(?P<path>[/?#]\S*)?", re.I)


def plain(text):
    """One name, or the URL of a site or of a page."""
    found = URL.fullmatch(text)
    if not found or is_address(found["host"]):
        return None
    host = name(re.sub(r"^(\*\.)?\.?", "", found["host"]))
    site = found["path"] in (None, "/") and found["port"] in (None, "80", "443")
    return [("covers" if site else "watch", host)]


def hosts(text):
    address, *names = text.split("#")[0].split()
    if not is_address(address) or not names:
        return None
    return [("covers", name(n)) for n in names if n not in OWN and not is_address(n)]


WHOLE = {"all", "document", "doc", "important", "match-case", "~third-party", "1p"}


def adblock(text):
    if re.match(r"!|\[|#(?![#@])", text):
        return []
    found = re.fullmatch(r"(@@)?\|{2,}(?:https?://)?([^\s^/$|:]+)(:\d+)?(\^?\|?|/|\^\*)(\$(.*))?", text)
    if not found:
        page = re.fullmatch(r"\|\|(?:https?://)?([^\s^/$|:]+)(/.+|\^.+)", text)
        return [("watch", name(page[1]))] if page else None
    modifiers = {m for m in (found[6] or "").split(",") if m}
    if not modifiers <= WHOLE | {"popup", "badfilter"} or ("popup" in modifiers and not modifiers & {"all", "document", "doc"}):
        return None
    if found[3] not in (None, ":80", ":443"):
        return [("watch", name(found[2]))]
    below = found[2].startswith("*.")
    kind = {(0, 0): "covers", (0, 1): "below", (1, 0): "allow", (1, 1): "allow-below"}[bool(found[1]), below]
    host = name(found[2][2:] if below else found[2])
    return [("taken back", kind, host) if "badfilter" in modifiers else (kind, host)]


def ublacklist(text):
    if text.startswith("#"):
        return []
    found = re.fullmatch(r"(@)?(?:\*|https?)://(\*\.)?([^/\s:*]+)(/\S*)(?:\s+#.*)?", text)
    if not found:
        return None
    if found[4] != "/*":
        return None if found[1] else [("watch", name(found[3]))]
    kind = "allow" if found[1] else "covers"
    if not found[2]:
        kind = "allow-exact" if found[1] else "exact"
    return [(kind, name(found[3]))]


def dnsmasq(text):
    text = re.sub(r"(^|\s)#.*", "", text)
    if not text:
        return []
    found = re.fullmatch(r"(local|address|server)\s*=\s*/(.*)/([^/]*)", text)
    if not found:
        return None
    if found[1] != "address" and found[3] not in ("", "#"):
        return None
    if "://" in text:
        return None
    kind = "allow" if found[1] != "address" and found[3] == "#" else "covers"
    return [(kind, name(domain.lstrip("."))) for domain in found[2].split("/")]


BLOCKING = re.compile("always_(null|nxdomain|nodata|refuse|deny)|refuse|deny|redirect|static|inform_(deny|redirect)")


def unbound(text):
    text = re.sub(r"(^|\s)#.*", "", text)
    if text in ("", "server:"):
        return []
    zone = re.fullmatch(r"""local-zone:\s*["']?([^"'\s]+)["']?\s+(\S+)""", text)
    if zone and BLOCKING.fullmatch(zone[2]):
        return [("covers", name(zone[1]))]
    if zone and zone[2] == "always_transparent":
        return [("allow", name(zone[1]))]
    if zone and zone[2] in ("transparent", "typetransparent", "inform"):
        return [("as usual", name(zone[1]))] if name(zone[1]) else []
    if zone and zone[2] == "nodefault":
        return []
    data = re.fullmatch(r"""local-data:\s*["'](\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA|TXT)\s+.*["']""", text)
    if data:
        return [] if data[2] == "TXT" else [("exact", name(data[1]))]
    return None


def zone_records(text):
    """Records of a zone file, each with the number of its last line, comments and parentheses taken out."""
    whole, depth = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r";.*", "", line)
        depth += line.count("(") - line.count(")")
        whole += re.sub(r"[()]", " ", line)
        if depth == 0:
            yield number, whole
            whole = ""


def rpz(text):
    entries, rejected, origin, apex, last = [], [], None, None, None
    for number, line in zone_records(text):
        words = line.split()
        if not words:
            continue
        if words[0] in ("$TTL", "$ORIGIN"):
            if words[0] == "$ORIGIN":
                origin = words[1].lower().rstrip(".")
                apex = apex or origin
            continue
        found = re.fullmatch(r"(\S*)\s+(?:(?:IN|\d+[smhdw]?)\s+)*(SOA|NS|CNAME|A|AAAA|TXT)\s+(\S+).*?", line.rstrip())
        if not found:
            rejected.append(number)
            continue
        owner, kind, target = found.groups()
        if kind == "SOA":
            apex = origin if owner == "@" else owner.lower().rstrip(".")
            origin = origin or apex
            continue
        if owner:
            last = owner.lower()
            if last.endswith("."):
                last = last[:-1].removesuffix("." + (apex or "?")) if last[:-1].endswith("." + (apex or "?")) else "!"
            elif origin and origin != apex:
                last = f"{last}.{origin}".removesuffix("." + apex)
        if kind == "NS" or (kind == "TXT" and last is None):
            continue
        below = last.startswith("*.")
        host = name(last[2:] if below else last)
        target = target.lower()
        passes = kind == "CNAME" and target == "rpz-passthru."
        if host is None or re.search(r"\.rpz-[a-z-]+$", last) or (target.startswith("rpz-") and target not in ("rpz-passthru.", "rpz-drop.")):
            rejected.append(number)
            continue
        entries.append(("allow-" * passes + ("below" if below else "exact"), host))
    # Both halves of a site are the site.
    for halves, whole in ((("exact", "below"), "covers"), (("allow-exact", "allow-below"), "allow")):
        sites = {host for kind, host in entries if kind == halves[0]} & {h for k, h in entries if k == halves[1]}
        entries = [(kind, host) for kind, host in entries if not (host in sites and kind in halves)]
        entries += [(whole, host) for host in sites]
    return entries, rejected


LINES = {"plain": plain, "hosts": hosts, "adblock": adblock, "ublacklist": ublacklist, "dnsmasq": dnsmasq, "unbound": unbound}
COMMENTS = {"plain": "#!;", "hosts": "#!;"}


def read(syntax, text):
    if syntax == "rpz":
        return rpz(text)
    entries, rejected = [], []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip().strip("\ufeff")
        if syntax in ("plain", "hosts"):
            line = re.sub(r"\s+#.*", "", line)
        if not line or line[0] in COMMENTS.get(syntax, ""):
            continue
        found = LINES[syntax](line)
        if found is None or any(entry[-1] is None for entry in found):
            rejected.append(number)
        entries += [entry for entry in found or [] if entry[-1] is not None]
    taken_back = {entry[1:] for entry in entries if entry[0] == "taken back"}
    usual = {host for kind, host in {entry for entry in entries if len(entry) == 2} if kind == "as usual"}
    entries = [entry for entry in entries if entry[0] not in ("taken back", "as usual") and entry not in taken_back]
    # What covers a name says all that an exact entry for it says.
    covered = {host for kind, host in entries if kind == "covers"}
    entries = [entry for entry in entries if not (entry[0] in ("exact", "below") and entry[1] in covered)]
    # A zone that resolves as usual matters below one that does not, if nothing in it is answered otherwise.
    busy = {parent for _, host in entries for parent in parents(host, 0)}
    return entries + [("allow", host) for host in usual - busy if covered & set(parents(host, 1))], rejected


def parents(host, start):
    labels = host.split(".")
    return [".".join(labels[cut:]) for cut in range(start, len(labels))]


def main():
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        entries, rejected = read(sys.argv[1], file.read())
    for kind, host in sorted(set(entries)):
        print(kind, host)
    for number in sorted(set(rejected)):
        print("REJECTED", number)


main()
