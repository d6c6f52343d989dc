import { readFileSync, statfsSync } from 'node:fs';

/** Why so many bytes (and files) do not fit into the tmpfs of the bench, or undefined where they do. */
export function lacksRoom(bytes, files = 0) {
  const { bavail, bsize, ffree } = statfsSync('/dev/shm');
  const memory = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'));
  const free = Math.min(bavail * bsize, memory ? Number(memory[1]) * 1024 : Infinity);
  const gib = (value) => (value / 2 ** 30).toFixed(1);
  if (free < bytes) return `needs ${gib(bytes)} GiB of /dev/shm and memory, ${gib(free)} are free`;
  if (ffree < files) return `needs ${files} inodes of /dev/shm, ${ffree} are free`;
  return undefined;
}
