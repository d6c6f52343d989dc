import type { BenchSetup } from '../contract.js';
import { plainPath, startSshd, type BenchSshd } from '../sshd.js';

export interface SshAccess {
  readonly sshd: BenchSshd;
  /** What a tool's `-F` is given. */
  readonly configuration: string;
  /** A path there, as scp and rsync write it. */
  remote(path: string): string;
}

/** One sshd for all contestants of the bench. */
export async function sshAccess(setup: BenchSetup): Promise<SshAccess> {
  const sshd = await setup.kept.get('sshd', () => startSshd(setup));
  return {
    sshd,
    configuration: sshd.configuration,
    remote: (path) => `${sshd.host}:${plainPath(path)}`,
  };
}
