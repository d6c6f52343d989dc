"""One end of a pattern, by pyzmq: peer.py ROLE ADDRESS [--bind] [--count N] … Ends by itself; prints one line of JSON.

Every wait is bounded, so that a test that fails leaves no process behind."""

import argparse
import json
import sys
import time

import zmq
import zmq.auth

from numbered import Tally, parts

WAIT_MS = 60_000


def main():
    args = arguments()
    context = zmq.Context()
    result = ROLES[args.role](context, args)
    print(json.dumps(result), flush=True)
    context.destroy(linger=10_000)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=sorted(ROLES))
    parser.add_argument("address")
    parser.add_argument("--bind", action="store_true")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--hwm", type=int)
    parser.add_argument("--size", type=int, default=100, help="bytes of a message of `blast`")
    parser.add_argument("--end", action="store_true", help="send `end` behind it")
    parser.add_argument("--pace", action="store_true", help="of `pub`: about 50,000 a second")
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--certificate", help="own, with the secret key")
    parser.add_argument("--server-certificate")
    return parser.parse_args()


def opened(context, kind, args):
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = WAIT_MS
    if args.hwm is not None:
        socket.set_hwm(args.hwm)
    if args.certificate:
        socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(args.certificate)
        if args.server_certificate:
            socket.curve_serverkey, _ = zmq.auth.load_certificate(args.server_certificate)
        else:
            socket.curve_server = True
    for topic in args.topic:
        if kind == zmq.SUB:
            socket.subscribe(topic.encode())
    (socket.bind if args.bind else socket.connect)(args.address)
    if args.bind:
        say(socket.getsockopt_string(zmq.LAST_ENDPOINT))
    return socket


def say(line):
    print(line, flush=True)


def push(context, args):
    socket = opened(context, zmq.PUSH, args)
    for number in range(args.first, args.first + args.count):
        socket.send_multipart(parts(number))
    if args.end:
        socket.send(b"end")
    return {"sent": args.count}


def pull(context, args):
    """Until a message `end` comes."""
    socket = opened(context, zmq.PULL, args)
    tally = Tally()
    while True:
        message = socket.recv_multipart()
        if message == [b"end"]:
            return tally.summary()
        tally.add(message)


def blast(context, args):
    """PUSH as fast as it goes: messages of one part, all the same."""
    socket = opened(context, zmq.PUSH, args)
    message = b"x" * args.size
    for _ in range(args.count):
        socket.send(message)
    return {"sent": args.count}


def measure(context, args):
    """PULLs what `blast` sends: from the first message to the last."""
    socket = opened(context, zmq.PULL, args)
    bytes_received = len(socket.recv())
    began = time.monotonic()
    for _ in range(args.count - 1):
        bytes_received += len(socket.recv())
    return {"seconds": time.monotonic() - began, "bytes": bytes_received}


def pub(context, args):
    """Sends once each topic was subscribed to; number N under topic N modulo their count."""
    socket = opened(context, zmq.XPUB, args)
    wanted = set(topic.encode() for topic in args.topic)
    while wanted:
        wanted.discard(socket.recv()[1:])
    topics = args.topic + ["other"]
    for number in range(args.count):
        socket.send_multipart([topics[number % len(topics)].encode()] + parts(number))
        if args.pace and number % 100 == 0:
            time.sleep(0.002)
    for topic in args.topic:
        socket.send_multipart([topic.encode(), b"end"])
    return {"sent": args.count}


def sub(context, args):
    """Says `ready` with the first message that comes, and ends with `end`."""
    socket = opened(context, zmq.SUB, args)
    tally = Tally()
    is_ready = False
    while True:
        topic, *message = socket.recv_multipart()
        if topic.decode() not in args.topic:
            tally.torn += 1
        if message == [b"end"]:
            return tally.summary()
        if message == [b"hello"]:
            if not is_ready:
                say("ready")
            is_ready = True
            continue
        tally.add(message)


def client(context, args):
    """A DEALER with many requests under way: each answer is its request with `done` behind it."""
    socket = opened(context, zmq.DEALER, args)
    tally = Tally()
    workers = {}
    sent = received = 0
    while received < args.count:
        while sent < args.count and sent - received < 500:
            socket.send_multipart([b""] + parts(args.first + sent))
            sent += 1
        empty, *message, worker = socket.recv_multipart()
        received += 1
        workers[worker.decode()] = workers.get(worker.decode(), 0) + 1
        if empty != b"":
            tally.torn += 1
        tally.add(message)
    return {**tally.summary(), "workers": workers}


def worker(context, args):
    """A REP, until it is told to end: it knows nothing of who asks."""
    socket = opened(context, zmq.REP, args)
    served = 0
    while True:
        message = socket.recv_multipart()
        if message == [b"end"]:
            socket.send_multipart([b"ended"])
            return {"served": served}
        socket.send_multipart(message + [args.topic[0].encode()])
        served += 1


def router(context, args):
    """Answers each request with its parts, to whom it came from."""
    socket = opened(context, zmq.ROUTER, args)
    # Without this it drops an answer whose peer is full.
    socket.router_mandatory = True
    tally = Tally()
    names = set()
    for _ in range(args.count):
        name, *message = socket.recv_multipart()
        names.add(name.hex())
        tally.add(message)
        socket.send_multipart([name] + message)
    return {**tally.summary(), "names": sorted(names)}


def certificates(_, args):
    """Makes `server` and `client` in the folder that is named."""
    zmq.auth.create_certificates(args.address, "server")
    zmq.auth.create_certificates(args.address, "client")
    return {}


ROLES = {
    role.__name__: role
    for role in (push, pull, blast, measure, pub, sub, client, worker, router, certificates)
}

if __name__ == "__main__":
    sys.exit(main())
