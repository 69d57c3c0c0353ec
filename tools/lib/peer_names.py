#!/usr/bin/env python3
"""peer_names.py PROGRAM: turns what another program prints about a capture into the JSON lines of `stakeout observe`, as far
as shared/bench/score.py reads them: protocol, client and name. Reads standard input, writes standard output.

  tshark    tab-separated fields, in the order in which tools/bench-peers.sh asks for them
  ndpi      the CSV of ndpiReader -C: one line a flow, so of several names in one flow only one is there
  dnscap    the text of dnscap -g
  suricata  eve.json
"""
import csv, json, re, sys

def seen(proto, address, port, name):
    if address and port and name:
        client = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        print(json.dumps({"proto": proto, "client": client, "name": name.rstrip(".").lower()}))

def tshark(lines):
    for line in lines:
        v4, v6, udp, tcp, response, question, server_name, quic = (line.rstrip("\n").split("\t") + [""] * 8)[:8]
        if question and response in ("0", "False"):
            seen("dns", v4 or v6, udp or tcp, question)
        if server_name:
            seen("quic" if quic else "tls", v4 or v6, udp or tcp, server_name)

def ndpi(lines):
    for row in csv.DictReader(lines):
        protocol = row["ndpi_proto"].split(".")[0]
        proto = {"DNS": "dns", "TLS": "tls", "QUIC": "quic"}.get(protocol)
        if proto:
            seen(proto, row["src_ip"], row["src_port"], row["server_name_sni"])

def dnscap(lines):
    client = None
    for line in lines:
        if found := re.match(r"\t\[([^\]]+)\]\.(\d+) \[[^\]]+\]\.\d+", line):
            client = found.groups()
        elif line.startswith("\tdns "):
            # A response has the flag `qr`.
            if "qr" in re.split(r"[ ,|]", line.strip()):
                client = None
        elif client and (found := re.match(r"\t1 (\S+?)\.?,IN,", line)):
            seen("dns", *client, found.group(1))
            client = None

def suricata(lines):
    for line in lines:
        event = json.loads(line)
        kind = event.get("event_type")
        if kind == "dns":
            asked = event["dns"]
            for query in asked.get("queries", [asked]):
                if asked.get("type") in ("query", "request"):
                    seen("dns", event["src_ip"], event["src_port"], query.get("rrname"))
        elif kind in ("tls", "quic"):
            seen(kind, event["src_ip"], event["src_port"], event[kind].get("sni"))

{"tshark": tshark, "ndpi": ndpi, "dnscap": dnscap, "suricata": suricata}[sys.argv[1]](sys.stdin)
