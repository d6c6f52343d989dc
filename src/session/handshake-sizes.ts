/** Bytes of CPace's parts (32-byte elements and scalars of ristretto255, HMAC-SHA-512). */
export const cpaceShareBytes = 32;
export const cpaceScalarBytes = 32;
export const cpaceConfirmationBytes = 64;

/**
 * Bytes of the three messages of Noise XX. Lengths are checked exactly, so no message carries a payload; the first has a
 * tag where there is a psk.
 */
export const noiseMessageBytes = Object.freeze({ first: 32, firstWithPsk: 48, second: 96, third: 64 });

/** One byte and its tag. */
export const verdictBytes = 17;
