import { pipeBetween } from './flow.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

/** It connects to send and listens to receive, never the other way: one way only. */
export const mbuffer: PeerTool = {
  name: 'mbuffer',
  isSealed: false,
  patterns: { pipe: 'one way' },
  needs: [{ name: 'mbuffer', packageName: 'mbuffer', ask: ['--version'], says: /mbuffer version R?(\d+)/ }],
  open(context) {
    const host = context.setup.place.farHost;
    const command = [pathIn(context, 'mbuffer'), '-q'];
    // It listens on every address; on loopback it can be told who alone may connect.
    const isLoopback = context.setup.place.far.length === 0;
    return transferRuns('mbuffer', context, {
      how: 'mbuffer',
      commandsOf: (flow, port) =>
        pipeBetween(
          flow,
          { sends: [], receives: [...command, '-I', isLoopback ? `${host}:${port}` : String(port)] },
          { sends: [...command, '-O', `${host}:${port}`], receives: [] },
        ),
    });
  },
};
