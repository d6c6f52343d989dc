// A process that listens for rdma by what is built, reads what comes, and says where it is.
import { rdma } from '../../plugins/rdma/dist/index.js';

const scheme = process.argv[2];
const transport = await rdma().load();
const listener = await transport.listen(
  { scheme, host: '127.0.0.1', port: 0 },
  {
    onConnection: (connection) =>
      connection.onStream((stream) => {
        stream.accept();
        stream.onData(() => undefined);
        stream.onEnd(() => stream.closeWrite());
      }),
  },
);
process.stdout.write(`${listener.address.port}\n`);
