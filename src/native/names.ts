import { errnoError } from './errno-name.js';

/** EINVAL unless `name` is one component of a path; the same rule as IsName in native/open-beneath.cc. */
export function requireName(name: string): void {
  if (!isName(name)) throw errnoError('EINVAL', 'name');
}

/** The components of a path below a root: EXDEV for `..` and absolute paths, EINVAL for what is no path. */
export function componentsOf(path: string): readonly string[] {
  if (path === '' || path.includes('\0')) throw errnoError('EINVAL', 'path');
  const components = path.split('/');
  if (path.startsWith('/') || components.includes('..')) throw errnoError('EXDEV', 'path');
  components.forEach(requireName);
  return components;
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}
