import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { XferError } from '../errors/index.js';
import { blockOf, facesOf, type AddressClass } from './address-class.js';

/** `trusted`: on the allow list, or with a token. */
export type DialTrust = 'stranger' | 'trusted';

/** What `--dial` says, read. */
export interface DialRules {
  readonly classes: ReadonlySet<AddressClass>;
  /** Networks that open what is ordinary in them: public, private and loopback addresses. */
  readonly networks: BlockList;
  /** Networks that lie within a special block, and so name what is special. */
  readonly named: BlockList;
}

export interface DialPolicyOptions {
  /** Undefined: no rule was given. */
  readonly rules?: DialRules | undefined;
  /** Whether the relay can be reached over loopback only: then everybody there may have loopback dialled. */
  readonly loopbackOnly: boolean;
}

/**
 * What a relay may dial (DESIGN §8), asked about the very address that a socket is to connect to, never about a name. No
 * rule: nothing for strangers. Trusted peers have public, private and loopback addresses besides what the rules open.
 */
export class DialPolicy {
  readonly #rules: DialRules | undefined;
  readonly #loopbackOnly: boolean;

  constructor({ rules, loopbackOnly }: DialPolicyOptions) {
    this.#rules = rules;
    this.#loopbackOnly = loopbackOnly;
  }

  /** Whether there is any address that it allows: else no name needs to be looked up. */
  opensAnything(trust: DialTrust): boolean {
    return trust === 'trusted' || this.#loopbackOnly || this.#rules !== undefined;
  }

  /** False for what `net.isIP` does not take, too. */
  allows(ip: string, trust: DialTrust): boolean {
    const faces = facesOf(ip);
    return faces.length > 0 && faces.every((face) => this.#allowsFace(face, trust));
  }

  #allowsFace(face: string, trust: DialTrust): boolean {
    const { addressClass } = blockOf(face);
    const family = isIPv4(face) ? 'ipv4' : 'ipv6';
    const rules = this.#rules;
    if (rules?.named.check(face, family)) return true;
    if (!ordinary.has(addressClass)) return false;
    if (trust === 'trusted' || (this.#loopbackOnly && addressClass === 'loopback')) return true;
    return rules !== undefined && (rules.classes.has(addressClass) || rules.networks.check(face, family));
  }
}

/** Every port but 0, which no connection can go to. */
export function isDialPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/**
 * Reads what `--dial` was given: `public`, `private`, `loopback`, `any` (these three), addresses and networks in CIDR
 * notation. A network opens link-local, metadata and reserved addresses only if it lies within such a block: 0.0.0.0/0 does
 * not name 169.254.169.254. Throws ERR_XFER_USAGE.
 */
export function parseDialRules(texts: readonly string[]): DialRules {
  const classes = new Set<AddressClass>();
  const rules = { classes, networks: new BlockList(), named: new BlockList() };
  for (const text of texts) {
    const word = words[text.toLowerCase()];
    if (word) for (const addressClass of word) classes.add(addressClass);
    else addNetwork(rules, text);
  }
  return rules;
}

const ordinary: ReadonlySet<AddressClass> = new Set(['public', 'private', 'loopback']);

const words: Readonly<Record<string, readonly AddressClass[] | undefined>> = Object.assign(
  Object.create(null) as Record<string, readonly AddressClass[]>,
  { public: ['public'], private: ['private'], loopback: ['loopback'], any: [...ordinary] },
);

function addNetwork(rules: DialRules, text: string): void {
  const [, address = '', bits] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined;
  if (!family) throw nonsense(text);
  const most = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) throw nonsense(text);
  const [face = ''] = facesOf(address);
  if (family === 'ipv6' && isIPv4(face))
    throw new XferError('ERR_XFER_USAGE', `${JSON.stringify(text)} stands for IPv4 addresses`, {
      remedy: `write them as such: ${face}`,
    });
  const block = blockOf(face);
  const isNamed = !ordinary.has(block.addressClass) && block.prefix <= prefix;
  (isNamed ? rules.named : rules.networks).addSubnet(address, prefix, family);
}

function nonsense(text: string): XferError {
  return new XferError('ERR_XFER_USAGE', `cannot dial by the rule ${JSON.stringify(text.slice(0, 64))}`, {
    remedy: 'give public, private, loopback, any, an address or a network such as 10.1.0.0/16',
  });
}
