// What the test of net labs sends and takes in, one mode a process; every output is a line of JSON.
//
//   serve         answers by TCP and UDP, on each port of the list: a connection when it has ended, each datagram at once
//   reach HOST    what became of a word sent to each: `answer`, an error's code, or `silence`
//   take HOST BYTES   milliseconds until so many bytes sent by TCP to the first port were answered
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const ports = [443, 4840];
/** Answers come within a millisecond here. */
const silenceMs = 700;
const [mode, host = '', bytes = '0'] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
await { serve, reach, take }[mode]();

async function serve() {
  for (const port of ports) {
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      socket
        .on('error', () => undefined)
        .on('end', () => socket.end('answer'))
        .resume(),
    );
    await once(server.listen(port), 'listening');
    const socket = createSocket('udp4');
    socket.on('message', (message, from) => socket.send(message, from.port, from.address));
    await once(socket.bind(port), 'listening');
  }
  say('listening');
}

async function reach() {
  const ways = ports.flatMap((port) => [
    [`tcp ${port}`, (done) => byTcp(port, 'word', done)],
    [`udp ${port}`, (done) => byUdp(port, done)],
  ]);
  const outcomes = ways.map(async ([name, begin]) => [name, await new Promise((done) => begin(done))]);
  say(Object.fromEntries(await Promise.all(outcomes)));
  // What is still being connected is not waited for.
  process.exit();
}

async function take() {
  const began = performance.now();
  await new Promise((done) => byTcp(ports[0], Buffer.alloc(Number(bytes)), done));
  say(performance.now() - began);
}

function byTcp(port, content, done) {
  const socket = connect({ port, host, allowHalfOpen: true });
  if (mode === 'reach') setTimeout(done, silenceMs, 'silence');
  socket
    .on('error', ({ code }) => done(code))
    .on('data', () => done('answer'))
    .end(content);
}

function byUdp(port, done) {
  const socket = createSocket('udp4');
  setTimeout(done, silenceMs, 'silence');
  socket.on('error', ({ code }) => done(code)).on('message', () => done('answer'));
  socket.connect(port, host, () => socket.send('word'));
}
