import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What Node has no calls for, through Python, in the file system of the tests' directories. */
const probe = (script: string): boolean => {
  const directory = mkdtempSync(join(tmpdir(), 'xfer-test-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, '');
    return spawnSync('python3', ['-c', script, path]).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** Whether files keep attributes of users (`user.*`), and a test can set them. */
export const hasAttributes = probe('import os, sys; os.setxattr(sys.argv[1], "user.xfer", b"value")');

/** Whether the system tells where the holes of a file are. */
export const tellsHoles = probe(`
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
os.ftruncate(fd, 1 << 24)
sys.exit(os.lseek(fd, 0, os.SEEK_HOLE))
`);

export function setAttribute(path: string, name: string, value: Buffer): void {
  const script = 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))';
  execFileSync('python3', ['-c', script, path, name, value.toString('hex')]);
}

/** Names and values in hexadecimal. */
export function attributesOf(path: string): Record<string, string> {
  const script = `
import json, os, sys
names = os.listxattr(sys.argv[1])
print(json.dumps({name: os.getxattr(sys.argv[1], name).hex() for name in names}))`;
  return JSON.parse(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' })) as Record<
    string,
    string
  >;
}

/** Sets the time of modification to the nanosecond, of a link itself too: `2001-02-03T04:05:06.123456789Z`. */
export function setMtime(path: string, time: string): void {
  execFileSync('touch', ['-h', '-m', '-d', time, path]);
}
