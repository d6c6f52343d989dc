import { expect, it, onTestFinished, vi } from 'vitest';
import { carry, type CarryOptions } from '../../../src/app/carry.js';
import { neverThere } from '../../../src/app/lost-channel.js';
import { PipeMeter } from '../../../src/app/pipe-meter.js';
import { transportDefaults } from '../../../src/config/index.js';
import { XferError } from '../../../src/errors/index.js';
import { HandSource, NotingBytes } from '../pipe/endpoint-fakes.js';

const left = new XferError('ERR_XFER_PEER_INTERRUPTED', 'the other side was interrupted');
const lost = neverThere(left).open({ up: 'lines', down: true });

/** As when the last other machine has gone, on a clock of its own. */
function options(): CarryOptions {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { signal } = new AbortController();
  return {
    ...{ framing: 'lines', signal, gone: AbortSignal.abort(left), meter: new PipeMeter() },
    onProgress: () => undefined,
  };
}

/** Silence that is longer than anybody waits for who has gone. */
const silence = () => vi.advanceTimersByTimeAsync(3 * transportDefaults.closeTimeoutMs);

it('what goes to this machine too goes on when the other one has gone, whenever it comes', async () => {
  const [source, sink] = [new HandSource().push('one\n'), new NotingBytes()];
  const { writer } = lost;
  if (!writer) throw new Error('it has a way up');
  const ins = [
    { kind: 'remote', isOpen: false, open: () => writer },
    { kind: 'local', sink },
  ] as const;
  const carried = carry([{ kind: 'local', source }], ins, options()).catch((error: unknown) => error);
  await silence();
  source.push('two\n').end();
  await silence();
  expect([await carried, sink.text, sink.isEnded]).toEqual([left, 'one\ntwo\n', true]);
});

it('what comes from this machine too is gathered when the other one has gone, whenever it comes', async () => {
  const [source, sink] = [new HandSource().push('one\n'), new NotingBytes()];
  const { reader } = lost;
  if (!reader) throw new Error('it has a way down');
  const outs = [
    { kind: 'local', source },
    { kind: 'remote', reader, framing: 'lines' },
  ] as const;
  const carried = carry(outs, [{ kind: 'local', sink }], options()).catch((error: unknown) => error);
  await silence();
  source.push('two\n').end();
  await silence();
  expect([await carried, sink.text, sink.isEnded]).toEqual([left, 'one\ntwo\n', true]);
});
