import { describe, expect, it } from 'vitest';
import type { PhaseEvent, XferEvent } from '../../../src/app/events.js';
import { JointEvents } from '../../../src/app/joint-events.js';

function joint(...targets: string[]) {
  const told: XferEvent[] = [];
  const events = new JointEvents(targets, (event) => told.push(event));
  const phase = (target: string, name: PhaseEvent['phase']) =>
    events.handle(target, { event: 'phase', phase: name });
  const progress = (target: string, bytes: number, total: number) =>
    events.handle(target, { event: 'progress', bytes, total, sent: bytes, files: 1 });
  const done = (target: string) =>
    events.handle(target, {
      ...{ event: 'done', role: 'send', peer: 'p', bytes: 1, files: 1, seconds: 1, lanes: 1 },
      ...{ transport: 'tcp', transports: {}, path: 'direct', bottleneck: 'none' },
    });
  const phases = () => told.flatMap((event) => (event.event === 'phase' ? [event.phase] : []));
  const progresses = () => told.flatMap((event) => (event.event === 'progress' ? [event] : []));
  return { events, told, phase, progress, done, phases, progresses };
}

describe('the events of several targets', () => {
  it('say which one they are about', () => {
    const { events, told } = joint('a', 'b');
    events.handle('b', { event: 'note', message: 'x' });
    events.handle('a', { event: 'lane', lane: 1, state: 'up', transport: 'tcp' });
    expect(told).toEqual([
      { event: 'note', message: 'x', target: 'b' },
      { event: 'lane', lane: 1, state: 'up', transport: 'tcp', target: 'a' },
    ]);
  });

  it('have the phase of the one that is furthest behind, each once', () => {
    const { events, phase, done, phases } = joint('a', 'b', 'c');
    for (const target of ['a', 'b', 'c']) phase(target, 'connect');
    for (const name of ['pair', 'transfer', 'connect'] as const) phase('a', name);
    phase('b', 'transfer');
    expect(phases()).toEqual(['connect']);
    events.drop('c');
    expect(phases()).toEqual(['connect', 'transfer']);
    done('b');
    phase('a', 'commit');
    done('a');
    expect(phases()).toEqual(['connect', 'transfer', 'commit']);
  });

  it('have the progress of the one that is furthest behind, and nothing before all have begun', () => {
    const { events, progress, done, progresses } = joint('a', 'b', 'c');
    progress('a', 50, 100);
    progress('b', 80, 120);
    done('x');
    events.handle('a', { event: 'note', message: 'x' });
    done('b');
    expect(progresses()).toEqual([{ event: 'progress', bytes: 0, total: 120, sent: 130, files: 0 }]);
    progress('c', 10, 100);
    done('a');
    expect(progresses().at(-1)).toEqual({ event: 'progress', bytes: 10, total: 120, sent: 140, files: 1 });
    progress('a', 60, 100);
    events.drop('c');
    events.handle('c', { event: 'note', message: 'nobody hears it' });
    done('a');
    expect(progresses().at(-1)).toMatchObject({ bytes: 60, sent: 140 });
  });
});
