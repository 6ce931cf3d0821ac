"""Debian's python3-socketio and python3-websockets against a host: what they saw, as one line of JSON."""
import asyncio
import concurrent.futures
import json
import queue
import sys

import socketio
import websockets

url = sys.argv[1]
patience = 60


def talk(transports):
    """Both namespaces on one connection; binaries and acknowledgements both ways."""
    client = socketio.Client(reconnection=False)
    heard = queue.Queue()

    for namespace in ("/ws/python", "/ws/other"):
        for event in ("connected", "message-back"):
            client.on(event, lambda *args, at=(namespace, event): heard.put([*at, *args]), namespace=namespace)

    @client.on("question", namespace="/ws/python")
    def answer(*args):
        heard.put(["/ws/python", "question", *args])
        return "yes", b"\x09"

    client.connect(url, namespaces=["/ws/python", "/ws/other"], auth={"token": "t"}, transports=transports, wait_timeout=patience)
    first = sorted((heard.get(timeout=patience) for _ in range(3)), key=lambda one: one[:2])
    ids = {one[0]: one[2]["clientId"] for one in first if one[1] == "connected"}
    same = all(client.get_sid(namespace) == sid for namespace, sid in ids.items())
    client.emit("message", ("ü", {"a": [1, None, b"\x00\xff"]}), namespace="/ws/python")
    back = heard.get(timeout=patience)
    acknowledged = client.call("message-with-ack", ({"b": 2.5}, b"\x01"), namespace="/ws/other", timeout=patience)
    client.disconnect()
    return {
        "order": [one[:2] for one in first],
        "same": same,
        "question": [one[2:] for one in first if one[1] == "question"],
        "back": [*back[:3], back[3]["a"][:2], list(back[3]["a"][2])],
        "acknowledged": [acknowledged[0], list(acknowledged[1])],
    }


def refused(namespace, auth):
    """What it was told; the client itself waits for all of its wait_timeout."""
    client = socketio.Client(reconnection=False)
    told = queue.Queue()
    client.on("connect_error", told.put, namespace=namespace)
    try:
        client.connect(url, namespaces=[namespace], auth=auth, wait_timeout=10)
    except socketio.exceptions.ConnectionError:
        return told.get(timeout=patience)
    client.disconnect()
    return None


async def raw():
    async with websockets.connect(url.replace("http", "ws") + "/ws/raw", extra_headers={"Authorization": "Bearer t"}) as one:
        welcome = json.loads(await one.recv())
        await one.send("x" * 5000)
        text = await one.recv()
        await one.send(bytes(range(256)))
        binary = await one.recv()
        await (await one.ping())
        extensions = [extension.name for extension in one.extensions]
    try:
        async with websockets.connect(url.replace("http", "ws") + "/ws/raw"):
            status = 101
    except websockets.InvalidStatusCode as error:
        status = error.status_code
    return {
        "welcome": welcome,
        "echo": text == "x" * 5000 and binary == bytes(range(256)),
        "extensions": extensions,
        "code": one.close_code,
        "without token": status,
    }


with concurrent.futures.ThreadPoolExecutor() as pool:
    nowhere = pool.submit(refused, "/ws/nowhere", None)
    no_token = pool.submit(refused, "/ws/python", {"token": "x"})

print(json.dumps({
    "polling, websocket": talk(["polling", "websocket"]),
    "websocket": talk(["websocket"]),
    "polling": talk(["polling"]),
    "nowhere": nowhere.result(),
    "no token": no_token.result(),
    "raw": asyncio.run(raw()),
}))
