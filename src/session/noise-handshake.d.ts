/** What is used of noise-handshake 4, which has no types of its own. */
declare module 'noise-handshake' {
  interface KeyPair {
    publicKey: Uint8Array;
    secretKey: Uint8Array;
  }

  class NoiseState {
    constructor(
      pattern: 'XX' | 'XXpsk0',
      initiator: boolean,
      staticKeyPair: KeyPair,
      options?: { psk?: Uint8Array },
    );
    /** The ephemeral key pair; made by the first message that needs one unless it is set. */
    e: KeyPair | null;
    /** The other side's static key, once it came. */
    readonly rs: Uint8Array | null;
    /** After the last message: our sending key, our receiving key, the handshake hash. */
    readonly tx: Uint8Array | null;
    readonly rx: Uint8Array | null;
    readonly hash: Uint8Array | null;
    readonly complete: boolean;
    initialise(prologue: Uint8Array): void;
    send(payload?: Uint8Array): Uint8Array;
    /** Keeps parts of `message` and overwrites them with zeros at the end. */
    recv(message: Uint8Array): Uint8Array;
  }
  export = NoiseState;
}

declare module 'noise-handshake/cipher.js' {
  class CipherState {
    constructor(key: Uint8Array);
    encrypt(plaintext: Uint8Array, associatedData?: Uint8Array): Uint8Array;
    decrypt(ciphertext: Uint8Array, associatedData?: Uint8Array): Uint8Array;
  }
  export = CipherState;
}

declare module 'noise-handshake/dh.js' {
  export function generateKeyPair(secretKey: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
}
