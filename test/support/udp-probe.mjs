// What tests of links send and take in, one mode a process; every output is a line of JSON.
//
//   echo                        answers each datagram with its number and the address it came from
//   ping HOST                   for each line of stdin one datagram: `{ ms, from }` of its answer, in microseconds' precision
//   sink                        takes datagrams in; for each line of stdin, which says how many, as soon as it has those:
//                               their numbers
//   source HOST COUNT BYTES     sends COUNT numbered datagrams in IP packets of so many bytes, at once
//
// "listening" comes first where something listens.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';

const port = 4000;
const [mode, host = '', count = '0', bytes = '0'] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const lines = createInterface({ input: process.stdin });
const modes = { echo, ping, sink, source };
modes[mode]();

function echo() {
  for (const type of ['udp4', 'udp6']) {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.on('message', (message, { address, port: from }) =>
      socket.send(JSON.stringify({ number: message.readUInt32BE(0), from: address }), from, address),
    );
    // The one of IPv6 is the last to listen.
    socket.bind(port, () => type === 'udp6' && say('listening'));
    socket.on('error', () => say('listening'));
  }
}

function ping() {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const sent = [];
  socket.on('message', (message) => {
    const { number, from } = JSON.parse(message.toString());
    say({ ms: performance.now() - sent[number], from });
  });
  lines.on('line', () => {
    socket.send(numbered(sent.length, 64), port, host);
    sent.push(performance.now());
  });
}

function sink() {
  const socket = createSocket('udp4');
  const taken = [];
  let wanted = Infinity;
  const look = () => {
    if (taken.length < wanted) return;
    say(taken);
    wanted = Infinity;
  };
  socket.on('message', (message) => {
    taken.push(message.readUInt32BE(0));
    look();
  });
  socket.bind(port, () => {
    // As much as an ordinary user may ask for.
    socket.setRecvBufferSize(2 ** 20);
    say('listening');
  });
  lines.on('line', (line) => {
    wanted = Number(line);
    look();
  });
}

function source() {
  const socket = createSocket('udp4');
  const payload = Number(bytes) - 28;
  let left = Number(count);
  for (let i = 0; i < Number(count); i++)
    socket.send(numbered(i, payload), port, host, () => {
      if (--left > 0) return;
      say('sent');
      process.exit();
    });
}

function numbered(number, size) {
  const message = Buffer.alloc(size);
  message.writeUInt32BE(number, 0);
  return message;
}
