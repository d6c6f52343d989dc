// Datagrams through the library's batch socket, as fast as it goes and without acknowledgement:
//   node udp-flood.mjs receive SECONDS          prints its port, then {"packets":…,"bytes":…,"seconds":…} of what came
//   node udp-flood.mjs send PORT BYTES SECONDS  datagrams of so many bytes, as many a message as UDP_SEGMENT takes
import { batchSocket } from '../../dist/index.js';

const [role, ...numbers] = process.argv.slice(2);
const roles = { receive, send };
await roles[role](...numbers.map(Number));

async function receive(seconds) {
  const socket = await batchSocket({ host: '127.0.0.1', port: 0 });
  let began = 0;
  let first;
  socket.onDatagrams(() => {
    if (began > 0) return;
    began = performance.now();
    first = socket.counters;
    setTimeout(() => {
      const { packetsReceived, bytesReceived } = socket.counters;
      const spent = (performance.now() - began) / 1000;
      const [packets, bytes] = [packetsReceived - first.packetsReceived, bytesReceived - first.bytesReceived];
      console.log(JSON.stringify({ packets, bytes, seconds: spent }));
      socket.close();
    }, seconds * 1000);
  });
  console.log(`port ${socket.address.port}`);
}

async function send(port, segmentBytes, seconds) {
  const socket = await batchSocket({ host: '127.0.0.1', port: 0 });
  const to = { host: '127.0.0.1', port };
  const bytes = new Uint8Array(Math.floor(65_507 / segmentBytes) * segmentBytes).fill(7);
  const datagrams = Array.from({ length: 8 }, () => ({ to, bytes, segmentBytes }));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) socket.send(datagrams);
  socket.close();
}
