#!/usr/bin/env python3
"""A small DNS server for the live tests: it knows every name there is, in a namespace where nothing else is.

Every name has the same A and AAAA record, but for what the options say. What a name begins with chooses further
behaviour: "v4." has no AAAA record, "v6." no A record, and "large." has a TXT record that does not fit into a UDP
answer, so that the client comes back over TCP. Answers use compression pointers, as real servers' answers do.
"""

import argparse
import socket
import socketserver
import struct
import threading

A, CNAME, TXT, AAAA, OPT = 1, 5, 16, 28, 41
NOERROR, FORMERR, NXDOMAIN, NOTIMP = 0, 1, 3, 4
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
TTL = 60
# The name of the question, which stands right behind the header.
QUESTION = b"\xc0\x0c"
# EDNS of the answer: root, OPT, 1232 octets.
EDNS = b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0)


def wire(name):
    """A name in text as labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, rtype, data):
    return owner + struct.pack("!HHIH", rtype, 1, TTL, len(data)) + data


def question(message):
    """Name (lower case), type and end of the first question; raises where there is none."""
    labels, at = [], 12
    while message[at]:
        length = message[at]
        if length > 63:
            raise ValueError("pointer in a question")
        labels.append(message[at + 1 : at + 1 + length].decode("latin-1").lower())
        at += 1 + length
    (qtype,) = struct.unpack_from("!H", message, at + 1)
    return ".".join(labels), qtype, at + 5


class Zone:
    def __init__(self, options):
        self.a = socket.inet_pton(socket.AF_INET, options.a)
        self.aaaa = socket.inet_pton(socket.AF_INET6, options.aaaa)
        self.cnames = dict(pair.split("=", 1) for pair in options.cname)
        self.nxdomain = set(options.nxdomain)

    def addresses(self, name, qtype, owner):
        if qtype == A and not name.startswith("v6."):
            return [record(owner, A, self.a)]
        if qtype == AAAA and not name.startswith("v4."):
            return [record(owner, AAAA, self.aaaa)]
        return []

    def answer(self, query, over_tcp):
        """The answer to a query in wire format; None for what is no query."""
        if len(query) < 12:
            return None
        ident, flags, questions, _, _, extra = struct.unpack_from("!6H", query)
        if flags & QR:
            return None
        flags = QR | AA | RA | (flags & (RD | 0x7800))
        if flags & 0x7800 or questions != 1:
            return struct.pack("!6H", ident, flags | NOTIMP, 0, 0, 0, 0)
        try:
            name, qtype, end = question(query)
        except (IndexError, ValueError, struct.error):
            return struct.pack("!6H", ident, flags | FORMERR, 0, 0, 0, 0)
        answers = []
        if name in self.nxdomain:
            flags |= NXDOMAIN
        elif name in self.cnames:
            target = self.cnames[name]
            answers.append(record(QUESTION, CNAME, wire(target)))
            # The target's records point at the name within the CNAME record: its data begin 12 octets in.
            owner = struct.pack("!H", 0xC000 | (end + 12))
            answers += self.addresses(target, qtype, owner)
        elif name.startswith("large.") and qtype == TXT:
            if over_tcp:
                answers = [record(QUESTION, TXT, b"\xfa" + b"x" * 250)] * 12
            else:
                flags |= TC
        else:
            answers = self.addresses(name, qtype, QUESTION)
        edns = [EDNS] if extra else []
        head = struct.pack("!6H", ident, flags, 1, len(answers), 0, len(edns))
        return head + query[12:end] + b"".join(answers + edns)


def serve_udp(sock, zone):
    while True:
        query, client = sock.recvfrom(65535)
        answer = zone.answer(query, over_tcp=False)
        if answer:
            sock.sendto(answer, client)


def tcp_handler(zone):
    class Handler(socketserver.StreamRequestHandler):
        timeout = 30

        def handle(self):
            # Any number of messages on one connection.
            while len(prefix := self.rfile.read(2)) == 2:
                query = self.rfile.read(int.from_bytes(prefix, "big"))
                answer = zone.answer(query, over_tcp=True)
                if answer:
                    self.wfile.write(len(answer).to_bytes(2, "big") + answer)

    return Handler


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", action="append", required=True, metavar="ADDRESS")
    parser.add_argument("--a", required=True, help="address of every name")
    parser.add_argument("--aaaa", required=True, help="the same for IPv6")
    parser.add_argument("--cname", action="append", default=[], metavar="NAME=TARGET")
    parser.add_argument("--nxdomain", action="append", default=[], metavar="NAME", help="a name that does not exist")
    options = parser.parse_args()
    zone = Zone(options)
    threads = []
    for address in options.listen:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((address, 53))
        threads.append(threading.Thread(target=serve_udp, args=(udp, zone)))

        class Server(socketserver.ThreadingTCPServer):
            address_family = family
            allow_reuse_address = True
            daemon_threads = True

        tcp = Server((address, 53), tcp_handler(zone))
        threads.append(threading.Thread(target=tcp.serve_forever))
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
