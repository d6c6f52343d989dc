import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { askDelete } from '../../../src/ui/ask-delete.js';

const never = new AbortController().signal;

function terminal() {
  return { input: new PassThrough(), output: new PassThrough() };
}

async function answered(typed: string): Promise<boolean> {
  const at = terminal();
  const answer = askDelete(never, at);
  at.input.write(typed);
  return answer;
}

describe('asking whether the receiver may delete', () => {
  it.each(['y', 'Y', 'yes', 'YES', 'Yes', '  yes  '])('takes %j for yes', async (typed) => {
    expect(await answered(`${typed}\n`)).toBe(true);
  });

  it.each(['', ' ', 'n', 'no', 'ye', 'yess', 'y y', 'yes!', 'ny', '1', 'true'])(
    'takes %j for no',
    async (typed) => {
      expect(await answered(`${typed}\n`)).toBe(false);
    },
  );

  it('takes the end of the input for no, even after half an answer', async () => {
    expect(await answered('\u0004')).toBe(false);
    const at = terminal();
    const answer = askDelete(never, at);
    at.input.end();
    expect(await answer).toBe(false);
  });

  it('says what it asks for', async () => {
    const at = terminal();
    const answer = askDelete(never, at);
    at.input.write('n\n');
    await answer;
    expect((at.output.read() as Buffer).toString()).toContain('the receiver will delete what is not here');
  });

  it('ends with the reason of the signal, before and after it asked', async () => {
    const controller = new AbortController();
    const answer = askDelete(controller.signal, terminal());
    controller.abort(new Error('interrupted'));
    await expect(answer).rejects.toThrow('interrupted');
    await expect(askDelete(controller.signal, terminal())).rejects.toThrow('interrupted');
  });

  it('makes Ctrl-C what it is elsewhere, and no answer', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const at = terminal();
    const answer = askDelete(never, at);
    at.input.write('y\u0003');
    await vi.waitFor(() => expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]));
    kill.mockRestore();
    at.input.end();
    expect(await answer).toBe(false);
  });
});
