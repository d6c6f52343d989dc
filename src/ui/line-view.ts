import type { XferEvent } from '../app/events.js';
import type { View } from './view.js';

/** A view that turns each event into text at once, or into nothing. */
export function lineView(show: (event: XferEvent) => void): View {
  return {
    onEvent: show,
    suspended: (work) => work(),
    close: () => Promise.resolve(),
  };
}
