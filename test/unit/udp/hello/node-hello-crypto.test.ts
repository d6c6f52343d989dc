import { describe, expect, it } from 'vitest';
import { nodeHelloCrypto } from '../../../../plugins/udp/src/hello/node-hello-crypto.js';
import { sipHash } from '../../../support/sip-hash.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (content: Uint8Array | undefined) => content && Buffer.from(content).toString('hex');

describe('the cryptography of the hellos', () => {
  it('agrees on keys as RFC 7748 §6.1 does', () => {
    const bob = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
    const alicePublic = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
    const pair = nodeHelloCrypto(sipHash, () => bytes(bob)).keyPair();
    expect(hex(pair.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(hex(pair.agree(bytes(alicePublic)))).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
  });

  it.each([
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ])('refuses the public key of small order %s, which agrees on zeros with everyone', (point) => {
    expect(nodeHelloCrypto(sipHash).keyPair().agree(bytes(point))).toBeUndefined();
  });

  it('makes pairs that agree with each other and with no third', () => {
    const crypto = nodeHelloCrypto(sipHash);
    const [a, b, c] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()];
    expect(hex(a.agree(b.publicKey))).toBe(hex(b.agree(a.publicKey)));
    expect(hex(a.agree(b.publicKey))).not.toBe(hex(a.agree(c.publicKey)));
  });

  it('derives as RFC 5869 A.3 does', () => {
    const { hkdf } = nodeHelloCrypto(sipHash);
    expect(hex(hkdf(bytes('0b'.repeat(22)), new Uint8Array(), '', 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('hashes parts as their whole', () => {
    const { sha256, hmac } = nodeHelloCrypto(sipHash);
    const abc = Buffer.from('abc');
    // FIPS 180-4's example, and RFC 4231 test case 2.
    expect(hex(sha256(abc.subarray(0, 1), abc.subarray(1)))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(hex(hmac(Buffer.from('Jefe'), Buffer.from('what do ya want '), Buffer.from('for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('has its tags as the paper has them', () => {
    // Appendix A of the paper.
    const key = bytes('000102030405060708090a0b0c0d0e0f');
    expect(hex(sipHash(key, bytes('000102030405060708090a0b0c0d0e')))).toBe('e545be4961ca29a1');
    expect(hex(nodeHelloCrypto(sipHash).sipHash(key, new Uint8Array()))).toBe('310e0edd47db6f72');
  });
});
