import { describe, expect, it } from 'vitest';
import { StrangerNotes } from '../../../src/app/stranger-notes.js';
import { XferError } from '../../../src/errors/index.js';

const unknown = new XferError('ERR_XFER_UNKNOWN_PEER', 'a peer came whose key is not known');

describe('notes of strangers', () => {
  it('tell where somebody came from, what happened and what would help', () => {
    expect(new StrangerNotes().noteOf(unknown, '192.0.2.7', 0)).toBe(
      'nothing was taken from 192.0.2.7: a peer came whose key is not known (pair with a code and --remember on both sides)',
    );
  });

  it('come once in ten seconds for each kind of failure', () => {
    const notes = new StrangerNotes();
    const noCode = new XferError('ERR_XFER_NO_CODE', 'a peer came without the code');
    expect(notes.noteOf(unknown, 'a', 1_000)).toContain('from a');
    expect(notes.noteOf(unknown, 'b', 10_999)).toBeUndefined();
    expect(notes.noteOf(noCode, 'b', 10_999)).toContain('from b');
    expect(notes.noteOf(unknown, 'c', 11_000)).toContain('from c');
  });

  it('do not tell of what nobody can do anything about', () => {
    const noise = new XferError('ERR_XFER_PROTOCOL', 'no xfer');
    expect(new StrangerNotes().noteOf(noise, 'a', 0)).toBeUndefined();
  });
});
