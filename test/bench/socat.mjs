import { finish, start } from './processes.mjs';
import { freePort } from './free-port.mjs';

/** One file by unencrypted socat with its default blocks, from the sender's start to the end of both. */
export async function socatOnce(from, to) {
  const port = await freePort();
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`;
  const receiving = start('socat', ['-d', '-d', '-u', listen, `CREATE:${to}`]);
  // It says so on stderr; a connection made as a test would be the one that it takes. Two seconds at most.
  for (let tries = 0; tries < 400 && !/listening on/.test(receiving.stderr); tries++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const began = process.hrtime.bigint();
  await finish(start('socat', ['-u', `OPEN:${from},rdonly`, `TCP:127.0.0.1:${port}`]), 'socat, sending');
  await finish(receiving, 'socat, receiving');
  return { seconds: Number(process.hrtime.bigint() - began) / 1e9 };
}
