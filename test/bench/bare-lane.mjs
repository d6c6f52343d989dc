// The upper bound for a lane: pread + seal → TCP → open + pwrite, 1 MiB records, our addon, no protocol at all.
//   node bare-lane.mjs send FILE            prints its port, and at the end {"bytes":…,"seconds":…}
//   node bare-lane.mjs recv FILE PORT BYTES data|onread
// The receiver dials, so that `onread` works without moving a socket's handle.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { nativeApi } from '../../dist/native/index.js';
import { recordLayout } from '../../dist/native/api.js';
import { openHeader } from '../../dist/native/record-codec.js';

const recordBytes = 2 ** 20;
/** Records being sealed at once, and records held by either side. */
const mostSealing = 4;
const mostHeld = 24;
const { seal, preferredCipher } = nativeApi();
const { overheadBytes, headerBytes } = recordLayout;
const keyAt = (counter) => ({ cipher: preferredCipher, key: Buffer.alloc(32, 7), counter });
const held = () => Array.from({ length: mostHeld }, () => Buffer.alloc(overheadBytes + recordBytes));
const fail = (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
};

const [role, path, port, bytes, mode] = process.argv.slice(2);
if (role === 'send') send(path);
else receive(path, Number(port), Number(bytes), mode);

function send(from) {
  const fd = openSync(from, 'r');
  const size = fstatSync(fd).size;
  const records = Math.ceil(size / recordBytes);
  const idle = held();
  const sealed = [];
  let next = 0;
  let sent = 0;
  let sealing = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    server.close();
    const began = process.hrtime.bigint();
    socket.on('error', fail);
    // The one byte that comes back says that all is written.
    socket.once('data', () => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      console.log(JSON.stringify({ bytes: size, seconds }));
      socket.destroy();
      closeSync(fd);
    });
    const pump = () => {
      while (next < records && sealing < mostSealing && idle.length > 0) submit(next++, idle.pop());
    };
    const submit = (number, out) => {
      sealing++;
      const position = number * recordBytes;
      const bodyBytes = Math.min(recordBytes, size - position);
      const job = { ...keyAt(number), fd, position, bodyBytes, header: Buffer.alloc(headerBytes), out };
      seal.sealFile(job, (error, read) => {
        if (error) fail(error);
        sealing--;
        sealed[number] = out.subarray(0, overheadBytes + read);
        flush();
        pump();
      });
    };
    const flush = () => {
      for (; sealed[sent]; sent++) {
        const record = sealed[sent];
        delete sealed[sent];
        socket.write(record, () => {
          idle.push(Buffer.from(record.buffer));
          pump();
        });
      }
    };
    pump();
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
}

function receive(to, at, size, how) {
  const fd = openSync(to, 'wx', 0o600);
  const idle = held();
  let number = 0;
  let written = 0;
  let record = idle.pop();
  let have = 0;
  let paused = false;
  const totalOf = (index) => overheadBytes + Math.min(recordBytes, size - index * recordBytes);
  const onBytes = (chunk) => {
    for (let from = 0; from < chunk.length;) {
      const total = totalOf(number);
      const taken = chunk.copy(record, have, from, Math.min(chunk.length, from + total - have));
      from += taken;
      have += taken;
      if (have < total) continue;
      open(number++, record.subarray(0, total), record);
      // One more than `mostHeld` where all are out, and no more reading until one is back.
      record = idle.pop() ?? Buffer.alloc(overheadBytes + recordBytes);
      have = 0;
      if (idle.length === 0 && !paused) {
        paused = true;
        socket.pause();
      }
    }
  };
  const open = (index, whole, buffer) => {
    const key = keyAt(index);
    openHeader(key, whole);
    seal.openFile({ ...key, record: whole, fd, position: index * recordBytes }, (error, bodyBytes) => {
      if (error) fail(error);
      idle.push(buffer);
      written += bodyBytes;
      if (paused) {
        paused = false;
        socket.resume();
      }
      if (written === size) {
        closeSync(fd);
        socket.end(Buffer.of(1));
      }
    });
  };
  const buffer = Buffer.alloc(256 * 1024);
  const onread = { buffer, callback: (read) => (onBytes(buffer.subarray(0, read)), true) };
  const socket = connect({
    host: '127.0.0.1',
    port: at,
    noDelay: true,
    ...(how === 'onread' ? { onread } : {}),
  });
  if (how !== 'onread') socket.on('data', onBytes);
  socket.on('error', fail);
  socket.on('end', () => process.exit(written === size ? 0 : 1));
}
