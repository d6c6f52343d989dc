import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askCode } from '../../../src/ui/ask-code.js';

const never = new AbortController().signal;

function terminal(): { input: PassThrough; output: PassThrough } {
  return { input: new PassThrough(), output: new PassThrough() };
}

describe('asking for the code', () => {
  it('gives what was typed, without the spaces around it', async () => {
    const at = terminal();
    const answer = askCode(never, at);
    at.input.write('  4821-a-b-c \n');
    expect(await answer).toBe('4821-a-b-c');
  });

  it.each([
    ['nothing was typed', '\n'],
    ['spaces were typed', '   \n'],
    ['Ctrl-D was typed', '\u0004'],
  ])('gives nothing where %s', async (_, typed) => {
    const at = terminal();
    const answer = askCode(never, at);
    at.input.write(typed);
    expect(await answer).toBeUndefined();
  });

  it('gives nothing where the input ends', async () => {
    const at = terminal();
    const answer = askCode(never, at);
    at.input.end();
    expect(await answer).toBeUndefined();
  });

  it('asks on the output that it was given', async () => {
    const at = terminal();
    const answer = askCode(never, at);
    at.input.write('x\n');
    await answer;
    expect((at.output.read() as Buffer).toString()).toContain('code of the receiver: ');
  });

  it('ends with the reason of the signal', async () => {
    const controller = new AbortController();
    const answer = askCode(controller.signal, terminal());
    controller.abort(new Error('interrupted'));
    await expect(answer).rejects.toThrow('interrupted');
  });
});
