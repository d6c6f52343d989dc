import { describe, expect, it } from 'vitest';
import { LaggardCore } from '../../../src/transfer/laggard-core.js';

const set = (...members: string[]) => new Set(members);

describe('who keeps the others waiting', () => {
  it('is named after the time that is granted, and no earlier', () => {
    const core = new LaggardCore<string>(100);
    expect(core.handleBlocking(set('a'), 0)).toBeUndefined();
    expect(core.nextWakeup).toBe(100);
    expect(core.handleBlocking(set('a'), 99)).toBeUndefined();
    expect(core.handleBlocking(set('a'), 100)).toBe('a');
    expect(core.nextWakeup).toBeUndefined();
  });

  it('is not who gets on meanwhile, or did not keep them waiting all the time', () => {
    const core = new LaggardCore<string>(100);
    core.handleBlocking(set('slow', 'gone', 'dead'), 0);
    core.handleProgress('slow', 60);
    core.handleProgress('nobody', 60);
    core.handleBlocking(set('slow', 'dead'), 70);
    core.handleBlocking(set('slow', 'gone', 'dead'), 80);
    expect(core.handleBlocking(set('slow', 'gone', 'dead'), 100)).toBe('dead');
    expect(core.handleBlocking(set('slow', 'gone'), 160)).toBeUndefined();
  });

  it('is one at a time: the others may have waited for that one', () => {
    const core = new LaggardCore<string>(100);
    core.handleBlocking(set('a', 'b'), 0);
    expect(core.handleBlocking(set('a', 'b'), 150)).toBe('a');
    expect(core.handleBlocking(set('b'), 200)).toBeUndefined();
    expect(core.nextWakeup).toBe(250);
    expect(core.handleBlocking(set('b'), 250)).toBe('b');
    expect(core.handleBlocking(set(), 1000)).toBeUndefined();
  });
});
