import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  pipeDialWords,
  pipelineScript,
  pipeListenWords,
  recvWords,
  relayWords,
  sendWords,
} from '../../../src/bench/child-words.js';

const tuning = { congestion: 'cubic', mtuBytes: 9000, provider: 'shm' } as const;
const tuned = ['--cc', 'cubic', '--mtu', '9000', '--provider', 'shm'];

test('both ends of a transfer are told what was asked for', () => {
  const way = { tuning, lanes: 3, via: ['tcp://[::1]:1', 'tcp://[::1]:2'], use: ['tcp', 'udp'] };
  const over = [
    '--lanes',
    '3',
    '--transport',
    'tcp',
    '--transport',
    'udp',
    '--via',
    'tcp://[::1]:1',
    '--via',
    'tcp://[::1]:2',
  ];
  expect(sendWords('-file', 'host:3', way)).toEqual([
    ...['send', '--json', ...over, ...tuned, '--to', 'host:3', '--', '-file'],
  ]);
  expect(pipeDialWords('host:3', way, true)).toEqual([
    'pipe',
    '--json',
    '--duplex',
    ...over,
    ...tuned,
    'host:3',
  ]);
  expect(recvWords('-into', ['tcp://h:1', 'udp://h:1'], tuning)).toEqual([
    ...[
      'recv',
      '--once',
      '--json',
      '--listen',
      'tcp://h:1',
      '--listen',
      'udp://h:1',
      ...tuned,
      '--',
      '-into',
    ],
  ]);
  expect(relayWords('tcp://h:0', 'any', {})).toEqual([
    ...['relay', '--json', '--listen', 'tcp://h:0', '--dial', 'any'],
  ]);
  expect(pipeListenWords(['tcp://h:0'], {}, false)).toEqual(['pipe', '--json', '--listen', 'tcp://h:0']);
  expect(sendWords('file', 'tcp://h:3', { tuning: {}, via: [] })).toEqual([
    ...['send', '--json', '--to', 'tcp://h:3', '--', 'file'],
  ]);
});

test('a pipeline takes words as they are, and tells who produces', () => {
  const producer = ['printf', '%s', `it's "$HOME" & more`];
  const [command = '', ...rest] = pipelineScript(['cat'], { producer, consumer: ['sed', 's/more/\\\\/'] });
  const out = execFileSync(command, [...rest.slice(0, 1), `exec 3>&2; ${rest[1] ?? ''}`, ...rest.slice(2)], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(out).toBe(`it's "$HOME" & \\`);
  const told = execFileSync(
    command,
    [...rest.slice(0, 1), `exec 3>&1 >/dev/null; ${rest[1] ?? ''}`, ...rest.slice(2)],
    {
      encoding: 'latin1',
    },
  );
  const [begun = '', ended = ''] = told.split('\n');
  expect(JSON.parse(begun)).toEqual({ producer: expect.any(Number) as number });
  expect((JSON.parse(begun) as { producer: number }).producer).toBeGreaterThan(0);
  // Its number may be another's from now on.
  expect(JSON.parse(ended)).toEqual({ producer: 0 });
  expect(pipelineScript(['cat'], {})).toEqual(['sh', '-c', "'cat'", 'sh']);
});
