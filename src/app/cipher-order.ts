import { cipher, type Cipher, type NativeApi } from '../native/api.js';

/** The cipher that this machine does fastest first. */
export function cipherOrder(native: NativeApi): readonly Cipher[] {
  const all = [cipher.aes256gcm, cipher.chacha20poly1305];
  return [native.preferredCipher, ...all.filter((one) => one !== native.preferredCipher)];
}
