import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../bin/run.js');
const code = '7-benchmark-of-the-cuts';
const blockBytes = 256 * 1024;

/**
 * A seeded stream through a pipe over a relay that is cut again and again: connections killed, the relay killed and started
 * again, the link down for three seconds. Content is AES-CTR under the seed, so it costs next to nothing and nobody can
 * guess it. Shapes and units stand in the types.
 */
export async function pipeCuts(options) {
  const { bytes, cuts, seed, directory, lab, downMs = 3000, flags = [] } = options;
  const random = numbers(seed);
  const children = new Set();
  const way = lab ? labWay(lab) : loopbackWay();
  const xfer = (end, name, args) => {
    const command = [process.execPath, program, ...args, '--json'];
    const [file, words] = end ? end.command(command[0], command.slice(1)) : [command[0], command.slice(1)];
    const { PATH } = process.env;
    const env = { PATH, HOME: directory, XFER_HOME: join(directory, name), XFER_CODE: code };
    const child = spawn(file, words, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    children.add(child);
    child.stdin.on('error', () => undefined);
    return child;
  };
  try {
    const host = way.host;
    const relayOn = (port) =>
      xfer(way.far, 'relay', ['relay', '--listen', `tcp://${host}:${port}`, '--dial', 'any']);
    let relay = relayOn(0);
    const relayUrl = await addressOf(relay, relay.stdout);
    const relayPort = Number(relayUrl.split(':').at(-1));
    const taker = xfer(way.far, 'taker', ['pipe', '--listen', `tcp://${host}:0`, ...flags]);
    const url = await addressOf(taker, taker.stderr);
    const via = await way.open(relayUrl);
    const giver = xfer(way.near, 'giver', ['pipe', url, '--via', via, '--retry', '60s', ...flags]);
    const said = [giver, taker].map((child) => collect(child.stderr));
    const generated = generate(giver.stdin, seed, bytes);
    const arrived = digestOf(taker.stdout);
    const ended = Promise.all([giver, taker].map(async (child) => (await once(child, 'close'))[0]));
    let isOver = false;
    void ended.then(() => (isOver = true));
    const done = [];
    const places = Array.from({ length: cuts }, () => Math.floor(random() * 0.95 * bytes)).sort(
      (a, b) => a - b,
    );
    for (const place of places) {
      await reached(arrived, place, () => isOver);
      if (isOver) break;
      const kind = ['connection', 'relay', 'link'][Math.floor(random() * 3)];
      if (kind === 'connection') await way.cut();
      else if (kind === 'link') await way.down(downMs);
      else {
        relay.kill('SIGKILL');
        await once(relay, 'close');
        relay = relayOn(relayPort);
        await addressOf(relay, relay.stdout);
      }
      done.push({ kind, at: arrived.bytes });
    }
    const statuses = await ended;
    const expected = await generated;
    return {
      statuses,
      expected,
      arrived: arrived.digest(),
      bytes: arrived.bytes,
      cuts: done,
      said: said.map((get) => get()),
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    way.close();
  }
}

/** Writes it all, and resolves with its digest; with what was written until then where the reader goes away. */
async function generate(stdin, seed, bytes) {
  const hash = createHash('sha256');
  const cipher = createCipheriv(
    'aes-128-ctr',
    createHash('sha256').update(String(seed)).digest().subarray(0, 16),
    Buffer.alloc(16),
  );
  const zeros = Buffer.alloc(blockBytes);
  const gone = once(stdin, 'close').catch(() => undefined);
  for (let at = 0; at < bytes && !stdin.destroyed; at += blockBytes) {
    const block = cipher.update(zeros.subarray(0, Math.min(blockBytes, bytes - at)));
    hash.update(block);
    if (!stdin.write(block)) await Promise.race([once(stdin, 'drain').catch(() => undefined), gone]);
  }
  stdin.end();
  return hash.digest('hex');
}

function digestOf(stdout) {
  const hash = createHash('sha256');
  const arrived = { bytes: 0, digest: () => hash.digest('hex') };
  stdout.on('data', (chunk) => {
    hash.update(chunk);
    arrived.bytes += chunk.length;
  });
  return arrived;
}

/** Looked at every 5 ms, for two minutes without progress at most. */
async function reached(arrived, place, isOver) {
  let last = arrived.bytes;
  for (let still = 0; arrived.bytes < place && !isOver(); still++) {
    if (still > 24_000) throw new Error(`the pipe stands still at ${last} bytes`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (arrived.bytes !== last) still = 0;
    last = arrived.bytes;
  }
}

function collect(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (more) => (text += more));
  return () => text;
}

/** Of the event that tells where it listens. */
async function addressOf(child, stream) {
  let text = '';
  return new Promise((resolve, reject) => {
    const onData = (chunk) => {
      text += chunk.toString();
      const found = /"event":"listening".*?"addresses":\["([^"]+)"/.exec(text);
      if (!found) return;
      stream.off('data', onData);
      resolve(found[1]);
    };
    stream.on('data', onData);
    child.once('close', () => reject(new Error(`ended early: ${text.slice(-1000)}`)));
  });
}

/** Two namespaces: the giver in one, relay and taker in the other. */
function labWay(lab) {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const during = async (block, ms) => {
    await lab.block(block);
    await wait(ms);
    await lab.block();
  };
  return {
    ...{ near: lab.client, far: lab.server, host: lab.server.address },
    open: (url) => Promise.resolve(url),
    // Long enough for what is under way to be answered by a reset.
    cut: () => during({ reject: true }, 200),
    down: (ms) => during({}, ms),
    close: () => undefined,
  };
}

/** One machine: a proxy between the giver and the relay is what is cut. */
function loopbackWay() {
  const sockets = new Set();
  let isDown = false;
  let target;
  const server = createServer((near) => {
    if (isDown) return near.destroy();
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    ...{ near: undefined, far: undefined, host: '127.0.0.1' },
    open: async (url) => {
      target = { host: '127.0.0.1', port: Number(url.split(':').at(-1)) };
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `tcp://127.0.0.1:${server.address().port}`;
    },
    cut,
    down: async (ms) => {
      isDown = true;
      for (const socket of sockets) socket.pause();
      await new Promise((resolve) => setTimeout(resolve, ms));
      isDown = false;
      for (const socket of sockets) socket.resume();
    },
    close: () => {
      cut();
      server.close();
    },
  };
}

/** Mulberry32: numbers of [0, 1), the same for the same seed. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
