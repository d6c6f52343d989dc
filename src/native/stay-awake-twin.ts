import { requireInteger } from './arguments.js';

const mostMicroseconds = 100_000;

/** Only the addon gets between the loop and its sleep. */
export function stayAwakeTwin(microseconds: number): void {
  requireInteger(microseconds, 'microseconds', mostMicroseconds);
}
