import { isIPv6 } from 'node:net';
import { XferError } from '../errors/index.js';
import { printable } from '../transfer/printable.js';

export interface HostPort {
  /** Without brackets; undefined where none was given. */
  readonly host: string | undefined;
  readonly port: number;
}

const shape = /^(?:(\[[^\]]*\]|[^:/[\]\s]+):)?(\d{1,5})$/;

/** Reads `[HOST:]PORT`; IPv6 hosts stand in brackets. Throws ERR_XFER_USAGE, which says how it is written: `form`. */
export function parseHostPort(text: string, form: string): HostPort {
  const match = shape.exec(text);
  const host = match?.[1]?.startsWith('[') ? match[1].slice(1, -1) : match?.[1];
  const port = Number(match?.[2]);
  const isBracketed = match?.[1]?.startsWith('[') ?? false;
  if (!match || port > 65_535 || (isBracketed && !isIPv6((host ?? '').split('%')[0] ?? '')))
    throw new XferError('ERR_XFER_USAGE', `${printable(JSON.stringify(text))} is no host and port`, {
      remedy: `write ${form} with a port up to 65535, and an IPv6 address in brackets: [::1]:8080`,
    });
  return { host, port };
}

/** The form that `parseHostPort` reads. */
export const formatHostPort = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
