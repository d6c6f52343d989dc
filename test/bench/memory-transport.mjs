// The protocol alone, memory to memory, unsealed: one stream of a transport, through its plugin.
//   node memory-transport.mjs recv SCHEME MTU          prints its port, and at the end {"bytes":…,"seconds":…}
//   node memory-transport.mjs send SCHEME MTU PORT BYTES
import { tcp } from '@xfer/mux';
import { udp } from '@xfer/udp';

const pieceBytes = 2 ** 20;
/** Pieces that the transport has at once. */
const mostHeld = 8;
const descriptors = { tcp, udp };

const [role, scheme, mtu, port, bytes] = process.argv.slice(2);
const transport = await descriptors[scheme]().load();
const options = { tuning: { mtuBytes: Number(mtu) } };
if (role === 'recv') await receive();
else await send(Number(port), Number(bytes));

async function receive() {
  const listener = await transport.listen(
    { scheme, host: '127.0.0.1', port: 0 },
    {
      ...options,
      onConnection(connection) {
        connection.onStream((stream) => {
          let got = 0;
          const began = process.hrtime.bigint();
          stream.onData((piece) => (got += piece.length));
          stream.onEnd(() => {
            const seconds = Number(process.hrtime.bigint() - began) / 1e9;
            console.log(JSON.stringify({ bytes: got, seconds, cpu: process.cpuUsage() }));
            stream.closeWrite();
          });
          stream.accept();
        });
        void connection.closed.then(() => process.exit(0));
      },
    },
  );
  console.log(JSON.stringify({ port: listener.address.port }));
}

async function send(to, total) {
  const at = { scheme, host: '127.0.0.1', port: to };
  const connection = await transport.dial(at, { ...options, signal: new AbortController().signal });
  const stream = connection.openStream();
  const idle = Array.from({ length: mostHeld }, (_, i) => Buffer.alloc(pieceBytes, i));
  let left = total;
  let wake = () => undefined;
  const ended = new Promise((resolve) => stream.onEnd(resolve));
  stream.onData(() => undefined);
  while (left > 0) {
    const piece = idle.pop();
    if (!piece) {
      await new Promise((resolve) => (wake = resolve));
      continue;
    }
    left -= pieceBytes;
    const more = stream.send(piece, () => {
      idle.push(piece);
      wake();
    });
    if (!more) await stream.drained();
  }
  stream.closeWrite();
  await ended;
  const { lost, minRttMs } = connection.stats();
  console.log(JSON.stringify({ lost, minRttMs, cpu: process.cpuUsage() }));
  await connection.close();
  process.exit(0);
}
