/** Where `ip` is, and the PATH of users who are not root does not lead. */
const systemDirectories = ['/usr/sbin', '/sbin'];

export function withSystemPrograms(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PATH: [environment['PATH'] ?? '/usr/bin:/bin', ...systemDirectories].join(':') };
}
