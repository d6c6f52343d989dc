import { XferError, type EndpointKind, type EndpointUse } from 'xfer/plugin';
import { loadBinding, type ZmqContext } from './binding.js';
import { readKeys } from './curve-keys.js';
import { openSocket } from './open-socket.js';
import { isUsableAs } from './patterns.js';
import { zapHandler } from './zap-handler.js';
import { zmqEndpoint } from './zmq-endpoint.js';
import { parseZmqUrl, type ZmqUrl } from './zmq-url.js';

/** What opens them; `open` rejects as `loadBinding` does. */
export function zmqKind(load = loadBinding): EndpointKind {
  return {
    check: (url, use) => void checked(url, use),
    probe: async () => {
      try {
        const { version, capability } = await load();
        return { ok: true, detail: `libzmq ${version}${capability.curve ? ', CURVE' : ''}` };
      } catch (thrown) {
        if (!(thrown instanceof XferError)) throw thrown;
        const { code, message, remedy } = thrown;
        return { ok: false, code, reason: message, remedy };
      }
    },
    open: async (text, { use, signal, onNote }) => {
      const url = checked(text, use);
      const binding = await load();
      signal.throwIfAborted();
      const keys = await readKeys(url.options, onNote);
      // A context of its own: there is one handler of permissions in each.
      const context: ZmqContext = keys.allowed ? new binding.Context() : binding.context;
      const handler = keys.allowed && (await zapHandler(binding, context, keys.allowed, onNote));
      try {
        const socket = await openSocket(url, { binding, context, keys, signal, onNote });
        return zmqEndpoint({ socket, url, use, onNote, onClose: () => handler?.close() });
      } catch (error) {
        handler?.close();
        throw error;
      }
    },
  };
}

function checked(text: string, use: EndpointUse): ZmqUrl {
  const url = parseZmqUrl(text);
  if (isUsableAs(url.pattern, use)) return url;
  const ways = { source: 'read', sink: 'written', both: 'read and written' };
  throw new XferError('ERR_XFER_USAGE', `zmq+${url.pattern} cannot be ${ways[use]}`, {
    remedy: 'read from pull, sub, dealer or router; write to push, pub, dealer or router',
  });
}
