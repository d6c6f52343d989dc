import type { RelayObserver } from '../relay/observer.js';

/** All of them as one, called in their order. */
export function relayObservers(...observers: readonly RelayObserver[]): RelayObserver {
  const all =
    <Name extends keyof RelayObserver>(name: Name) =>
    (...values: Parameters<NonNullable<RelayObserver[Name]>>): void => {
      for (const observer of observers)
        (observer[name] as ((...values: unknown[]) => void) | undefined)?.apply(observer, values);
    };
  return {
    onLink: all('onLink'),
    onConnect: all('onConnect'),
    onIdentify: all('onIdentify'),
    onDisconnect: all('onDisconnect'),
    onRefuse: all('onRefuse'),
    onOpened: all('onOpened'),
    onStreamEnd: all('onStreamEnd'),
    onRoom: all('onRoom'),
    onShadow: all('onShadow'),
    onShadowDropped: all('onShadowDropped'),
  } satisfies Required<RelayObserver>;
}
