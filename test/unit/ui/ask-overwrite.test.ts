import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { askOverwrite } from '../../../src/ui/ask-overwrite.js';

const never = new AbortController().signal;

function terminal() {
  return { input: new PassThrough(), output: new PassThrough() };
}

async function answered(typed: string) {
  const at = terminal();
  const answer = askOverwrite('d/file', never, at);
  at.input.write(typed);
  return answer;
}

describe('asking what to do with what exists', () => {
  it.each([
    ['y', 'always', false],
    ['n', 'never', false],
    ['r', 'rename', false],
    ['Y', 'always', true],
    ['N', 'never', true],
    ['R', 'rename', true],
    ['  r ', 'rename', false],
  ])('takes %j for %s, for all: %s', async (typed, answer, forAll) => {
    expect(await answered(`${typed}\n`)).toEqual({ answer, forAll });
  });

  it.each(['', ' ', 'yes', 'YES', 'YN', 'x', '1', 'constructor', '__proto__'])(
    'leaves the file as it is for anything else: %j',
    async (typed) => {
      expect(await answered(`${typed}\n`)).toEqual({ answer: 'never', forAll: false });
    },
  );

  it('leaves the file as it is where the input ends', async () => {
    expect(await answered('\u0004')).toEqual({ answer: 'never', forAll: false });
    const at = terminal();
    const answer = askOverwrite('file', never, at);
    at.input.end();
    expect(await answer).toEqual({ answer: 'never', forAll: false });
  });

  it('names the path, and lets it do nothing to the terminal', async () => {
    const at = terminal();
    const answer = askOverwrite('d/\u001b]0;title\u0007file', never, at);
    at.input.write('y\n');
    await answer;
    const shown = (at.output.read() as Buffer).toString();
    expect(shown).toMatch(/d\/.*file exists: overwrite\?/);
    expect(shown).not.toContain('\u001b]0');
  });

  it('asks again and again on the same terminal', async () => {
    const at = terminal();
    const answers = [];
    for (const typed of ['y', 'r']) {
      const answer = askOverwrite('file', never, at);
      at.input.write(`${typed}\n`);
      answers.push((await answer).answer);
    }
    expect(answers).toEqual(['always', 'rename']);
  });

  it('ends with the reason of the signal, before and after it asked', async () => {
    const controller = new AbortController();
    const answer = askOverwrite('file', controller.signal, terminal());
    controller.abort(new Error('interrupted'));
    await expect(answer).rejects.toThrow('interrupted');
    await expect(askOverwrite('file', controller.signal, terminal())).rejects.toThrow('interrupted');
  });

  it('makes Ctrl-C what it is elsewhere', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const at = terminal();
    const answer = askOverwrite('file', never, at);
    at.input.write('\u0003');
    await vi.waitFor(() => expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]));
    kill.mockRestore();
    at.input.write('n\n');
    await answer;
  });
});
