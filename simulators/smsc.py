"""A message centre on loopback: an SMPP server that keeps what it took, and shows it over HTTP.

    python -m simulators.smsc [--port 2775] [--http-port 2776]        0 takes any free port
    READY smsc port=… http=http://127.0.0.1:…                         SIGTERM: unbinds all, exit 0

    GET    /messages[?msisdn=998…]  whole messages, the oldest first (the last 1000):
                                    [{"id", "msisdn", "sender", "text", "parts", "at", "state"}]
    GET    /submits                 the last 4000 parts, as they came  DELETE /messages  forget all
    GET    /binds                   who is bound, and the most submits it ever left unanswered
    POST   /behaviour               what is not named goes back to its default:
        {"submit_status": 88, "submit_delay_ms": 0, "no_answer": N, "drop_after": N,
         "dlr": "DELIVRD"|"UNDELIV"|"none", "dlr_err": "000", "dlr_delay_ms": 5,
         "dlr_first": false, "bind_status": 0}
        no_answer: the next N submits are taken and never answered; drop_after: the N-th submit
        cuts the socket instead; dlr_first: the receipt overtakes the answer
    POST   /mo                      {"from": "998…", "to": "776", "text": "…"}: a subscriber writes

It shares the codec with our own ESME, so it proves nothing about the codec: that is what the
foreign peer in `tests/peers/smsc` is for.
"""

import argparse
import asyncio
import json
import signal
import sys
from urllib.parse import parse_qs, urlsplit

from club.integrations.smsc import text
from club.integrations.smsc.pdu import ShortMessage
from simulators.smsc_centre import Behaviour, Centre, Session

HOST = "127.0.0.1"
BODY_OCTETS_MAX = 64 * 1024
ANSWER_TIMEOUT_S = 5.0


async def control(
    centre: Centre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One HTTP request, one JSON answer, and the connection ends."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S * 2):
            status, answer = await _answered(centre, reader)
    except (ValueError, TypeError, LookupError) as error:
        status, answer = "400 Bad Request", {"error": str(error)}
    except (OSError, EOFError, TimeoutError):
        writer.close()
        return
    body = json.dumps(answer, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    writer.close()


async def _answered(centre: Centre, reader: asyncio.StreamReader) -> tuple[str, object]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *headers = head.split("\r\n")
    method, target, _ = request.split(" ")
    fields = dict(line.lower().split(":", 1) for line in headers if ":" in line)
    length = int(fields.get("content-length", 0))
    if length > BODY_OCTETS_MAX:
        raise ValueError("the body is too long")
    body = json.loads(await reader.readexactly(length) or b"{}")
    address = urlsplit(target)
    match f"{method} {address.path}":
        case "GET /messages":
            wanted = parse_qs(address.query).get("msisdn")
            return "200 OK", [m for m in centre.messages if wanted is None or m["msisdn"] in wanted]
        case "GET /submits":
            return "200 OK", list(centre.submits)
        case "DELETE /messages":
            centre.forget()
            return "200 OK", {}
        case "GET /binds":
            return "200 OK", [
                {"system_id": s.system_id, "type": s.type, "unanswered_max": s.unanswered_max}
                for s in centre.sessions
            ]
        case "POST /behaviour":
            centre.behaviour = Behaviour(**body)
            return "200 OK", vars(centre.behaviour)
        case "POST /mo":
            return await _write(centre, body["from"], body["to"], body["text"])
    return "404 Not Found", {"error": "no such call"}


async def _write(centre: Centre, source: str, to: str, words: str) -> tuple[str, object]:
    """A subscriber writes; answered with the last status the ESME gave."""
    receiver = next((s for s in centre.sessions if s.type in ("transceiver", "receiver")), None)
    if receiver is None:
        return "409 Conflict", {"error": "no bind"}
    status = 0
    for piece in text.split(words, reference=centre.ids):
        message = ShortMessage(
            source=source,
            destination=to,
            esm_class=piece.esm_class,
            data_coding=piece.data_coding,
            octets=piece.octets,
        )
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            status = await receiver.deliver(message)
    return "200 OK", {"command_status": status}


async def serve(port: int, http_port: int) -> None:
    """Serve until SIGTERM or SIGINT; then unbind whoever is bound."""
    centre = Centre()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    smpp = await asyncio.start_server(lambda r, w: Session(centre, r, w).serve(), HOST, port)
    http = await asyncio.start_server(lambda r, w: control(centre, r, w), HOST, http_port)
    port, http_port = (server.sockets[0].getsockname()[1] for server in (smpp, http))
    print(f"READY smsc port={port} http=http://{HOST}:{http_port}", flush=True)
    await stop.wait()
    for session in list(centre.sessions):
        session.unbind()
    await asyncio.sleep(0.1)
    for session in list(centre.sessions):
        session.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A message centre on loopback")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--http-port", type=int, default=2776)
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.port, options.http_port))
    except OSError as error:
        sys.exit(f"smsc: {error}")


if __name__ == "__main__":
    main()
