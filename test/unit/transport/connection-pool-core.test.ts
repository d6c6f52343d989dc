import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ConnectionPoolCore,
  type PoolAction,
  type PoolLimits,
} from '../../../src/transport/connection-pool-core.js';

const limits: PoolLimits = { maxOpen: 3, maxOpenPerKey: 2, idleMs: 1000, checkAfterMs: 100 };

/** What the test knows of a slot. */
interface Model {
  readonly key: string;
  readonly state: string;
  readonly healthyAt: number;
}

function actions(core: ConnectionPoolCore, now: number): PoolAction[] {
  const all: PoolAction[] = [];
  for (let action = core.pollAction(now); action; action = core.pollAction(now)) all.push(action);
  return all;
}

/** Slots 1 to `keys.length`, each opened for a waiter of its own and given back at 0. */
function withIdle(...keys: string[]): ConnectionPoolCore {
  const core = new ConnectionPoolCore(limits);
  keys.forEach((key, at) => core.handleWanted(at + 1, key));
  actions(core, 0);
  keys.forEach((_, at) => core.handleOpened(at + 1));
  keys.forEach((_, at) => core.handleReleased(at + 1, true, 0));
  return core;
}

describe('who wants one', () => {
  it('gets the one that is idle, and no other is opened', () => {
    const core = withIdle('a');
    core.handleWanted(7, 'a');
    expect(actions(core, 50)).toEqual([{ kind: 'hand', waiter: 7, slot: 1 }]);
    expect(core.metrics).toMatchObject({ opened: 1, reused: 1, inUse: 1, idle: 0 });
  });

  it('gets none of another key', () => {
    const core = withIdle('a');
    core.handleWanted(7, 'b');
    expect(actions(core, 50)).toEqual([{ kind: 'open', waiter: 7, slot: 2 }]);
  });

  it('gets none that does not suit him: another is opened beside it', () => {
    const core = withIdle('a');
    core.handleWanted(7, 'a', (slot) => slot !== 1);
    expect(actions(core, 50)).toEqual([{ kind: 'open', waiter: 7, slot: 2 }]);
  });

  it('gets another in place of one that does not suit him where there may be no more', () => {
    const core = withIdle('a', 'a');
    core.handleWanted(7, 'a', () => false);
    expect(actions(core, 50)).toEqual([
      { kind: 'close', slot: 2 },
      { kind: 'open', waiter: 7, slot: 3 },
    ]);
  });

  it('gets one that was not used for a while only when it has been found healthy', () => {
    const core = withIdle('a');
    core.handleWanted(7, 'a');
    expect(actions(core, 100)).toEqual([{ kind: 'check', slot: 1 }]);
    core.handleChecked(1, true, 110);
    expect(actions(core, 110)).toEqual([{ kind: 'hand', waiter: 7, slot: 1 }]);
  });

  it('gets another in place of one that is not healthy, which is closed', () => {
    const core = withIdle('a');
    core.handleDoubt(1);
    core.handleWanted(7, 'a');
    expect(actions(core, 1)).toEqual([{ kind: 'check', slot: 1 }]);
    core.handleChecked(1, false, 2);
    expect(actions(core, 2)).toEqual([
      { kind: 'close', slot: 1 },
      { kind: 'open', waiter: 7, slot: 2 },
    ]);
    expect(core.metrics).toMatchObject({ failedChecks: 1, evicted: 1 });
  });

  it('gets none that has closed by itself', () => {
    const core = withIdle('a');
    core.handleGone(1);
    core.handleWanted(7, 'a');
    expect(actions(core, 1)).toEqual([
      { kind: 'close', slot: 1 },
      { kind: 'open', waiter: 7, slot: 2 },
    ]);
  });

  it('waits in order past the limit of a key, and does not hold others up', () => {
    const core = new ConnectionPoolCore(limits);
    for (const waiter of [1, 2, 3, 4]) core.handleWanted(waiter, 'a');
    core.handleWanted(5, 'b');
    expect(actions(core, 0)).toEqual([
      { kind: 'open', waiter: 1, slot: 1 },
      { kind: 'open', waiter: 2, slot: 2 },
      { kind: 'open', waiter: 5, slot: 3 },
    ]);
    core.handleOpened(1);
    core.handleReleased(1, true, 10);
    expect(actions(core, 10)).toEqual([{ kind: 'hand', waiter: 3, slot: 1 }]);
    core.handleOpenFailed(2);
    expect(actions(core, 11)).toEqual([{ kind: 'open', waiter: 4, slot: 4 }]);
  });

  it('makes the one that was idle for the longest time give way past the limit of all', () => {
    const core = withIdle('a', 'b', 'c');
    core.handleWanted(7, 'd');
    expect(actions(core, 1)).toEqual([
      { kind: 'close', slot: 1 },
      { kind: 'open', waiter: 7, slot: 4 },
    ]);
  });

  it('is not overtaken by others who want room', () => {
    const core = new ConnectionPoolCore(limits);
    ['a', 'b', 'c', 'd', 'e'].forEach((key, at) => core.handleWanted(at + 1, key));
    expect(actions(core, 0).map((action) => action.slot)).toEqual([1, 2, 3]);
    core.handleOpened(2);
    core.handleReleased(2, false, 1);
    expect(actions(core, 1)).toEqual([{ kind: 'open', waiter: 4, slot: 4 }]);
  });
});

it('what is idle for too long is closed, and not before', () => {
  const core = withIdle('a');
  expect(core.nextWakeup()).toBe(1000);
  expect(actions(core, 999)).toEqual([]);
  expect(actions(core, 1000)).toEqual([{ kind: 'close', slot: 1 }]);
  expect(core.nextWakeup()).toBeUndefined();
});

it('keeps to its rules whatever happens', () => {
  const step = fc.record({
    kind: fc.constantFrom(
      ...([
        'want',
        'leave',
        'opened',
        'failed',
        'release',
        'drop',
        'gone',
        'doubt',
        'healthy',
        'sick',
      ] as const),
    ),
    pick: fc.nat(7),
    afterMs: fc.constantFrom(0, 10, 120, 1200),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const core = new ConnectionPoolCore(limits);
      const slots = new Map<number, Model>();
      const waiting: { waiter: number; key: string }[] = [];
      let [now, last] = [0, 0];
      const run = () => {
        for (let turns = 0, action = core.pollAction(now); action; action = core.pollAction(now)) {
          expect(++turns).toBeLessThan(100);
          const found = slots.get(action.slot);
          if (action.kind === 'close') slots.delete(action.slot);
          else if (action.kind === 'check') slots.set(action.slot, { ...found!, state: 'checking' });
          else {
            const { waiter, kind } = action;
            const at = waiting.findIndex((other) => other.waiter === waiter);
            const { key } = waiting[at]!;
            // In order among those of the same key.
            expect(waiting.findIndex((other) => other.key === key)).toBe(at);
            waiting.splice(at, 1);
            if (kind === 'hand') {
              expect(found).toMatchObject({ key, state: 'idle' });
              expect(now - found!.healthyAt).toBeLessThan(limits.checkAfterMs);
              slots.set(action.slot, { ...found!, state: 'inUse' });
            } else {
              expect(found).toBeUndefined();
              slots.set(action.slot, { key, state: 'opening', healthyAt: now });
            }
          }
          expect(slots.size).toBeLessThanOrEqual(limits.maxOpen);
          const ofKey = (key: string) => [...slots.values()].filter((slot) => slot.key === key).length;
          for (const key of 'abcd') expect(ofKey(key)).toBeLessThanOrEqual(limits.maxOpenPerKey);
        }
        // Nobody waits for what is there to be had.
        for (const { key } of waiting) {
          const own = [...slots.values()].filter((slot) => slot.key === key);
          const hasRoom = own.length < limits.maxOpenPerKey && slots.size < limits.maxOpen;
          const isChecked = own.some(({ state }) => state === 'checking');
          expect(own.some(({ state }) => state === 'idle')).toBe(false);
          if (!isChecked) expect(hasRoom).toBe(false);
        }
        expect(core.metrics.waiting).toBe(waiting.length);
        expect(core.metrics.idle + core.metrics.inUse).toBe(slots.size);
      };
      const inState = (pick: number, ...states: string[]) =>
        [...slots].filter(([, { state }]) => states.includes(state)).at(pick % 4);
      for (const { kind, pick, afterMs } of steps) {
        now += afterMs;
        const idle = inState(pick, 'idle');
        const [slot, state] =
          ((
            {
              want: undefined,
              leave: undefined,
              opened: inState(pick, 'opening'),
              failed: inState(pick, 'opening'),
              release: inState(pick, 'inUse'),
              drop: inState(pick, 'inUse'),
              gone: inState(pick, 'idle', 'inUse', 'checking'),
              doubt: idle,
              healthy: inState(pick, 'checking'),
              sick: inState(pick, 'checking'),
            } as const
          )[kind] as readonly [number, Model] | undefined) ?? [];
        if (kind === 'want') {
          const key = 'abcd'[pick % 4]!;
          waiting.push({ waiter: ++last, key });
          core.handleWanted(last, key);
        } else if (kind === 'leave') {
          const [left] = waiting.splice(pick, 1);
          if (left) core.handleLeft(left.waiter);
        } else if (slot !== undefined && state !== undefined) {
          if (kind === 'opened') {
            core.handleOpened(slot);
            slots.set(slot, { ...state, state: 'inUse' });
          }
          if (kind === 'failed') core.handleOpenFailed(slot);
          if (kind === 'release') {
            expect(core.handleReleased(slot, true, now)).toBe(true);
            slots.set(slot, { ...state, state: 'idle', healthyAt: now });
          }
          if (kind === 'drop') expect(core.handleReleased(slot, false, now)).toBe(false);
          if (kind === 'gone') core.handleGone(slot);
          if (kind === 'doubt') {
            core.handleDoubt(slot);
            slots.set(slot, { ...state, healthyAt: -Infinity });
          }
          if (kind === 'healthy') {
            core.handleChecked(slot, true, now);
            slots.set(slot, { ...state, state: 'idle', healthyAt: now });
          }
          if (kind === 'sick') core.handleChecked(slot, false, now);
          if (kind === 'failed' || kind === 'drop' || kind === 'gone' || kind === 'sick') slots.delete(slot);
        }
        run();
      }
    }),
    { numRuns: 500 },
  );
});
