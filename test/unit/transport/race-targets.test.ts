import { expect, it } from 'vitest';
import { DialLimit } from '../../../src/transport/dial-limit.js';
import { raceTargets } from '../../../src/transport/race-targets.js';

const limit = new DialLimit({ signal: new AbortController().signal, timeoutMs: 60_000 }, 'a host');

it('discards an outcome that comes when another one has won', async () => {
  const settle = new Map<string, (outcome: string) => void>();
  const discarded: string[] = [];
  const race = raceTargets(
    ['slow', 'quick'],
    limit,
    (target) => new Promise<string>((resolve) => settle.set(target, resolve)),
    (late) => discarded.push(late),
  );
  await expect.poll(() => settle.size, { timeout: 5000 }).toBe(2);
  settle.get('quick')?.('quick is through');
  settle.get('slow')?.('slow is through, too');
  expect(await race).toBe('quick is through');
  expect(discarded).toEqual(['slow is through, too']);
});

it('discards one that comes when the dial was given up', async () => {
  const given = new AbortController();
  const discarded: string[] = [];
  let settle: (outcome: string) => void = () => undefined;
  const race = raceTargets(
    ['one'],
    new DialLimit({ signal: given.signal, timeoutMs: 60_000 }, 'a host'),
    () => new Promise<string>((resolve) => (settle = resolve)),
    (late) => discarded.push(late),
  );
  given.abort(new Error('enough'));
  settle('too late');
  await expect(race).rejects.toThrow('enough');
  expect(discarded).toEqual(['too late']);
});
