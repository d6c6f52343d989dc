import { cp } from './cp.js';
import { iperf3 } from './iperf3.js';
import { mbuffer } from './mbuffer.js';
import { nc, ncat } from './nc.js';
import { rsync } from './rsync.js';
import { rsyncDaemon } from './rsync-daemon.js';
import { scp } from './scp.js';
import { sockperf } from './sockperf.js';
import { socat } from './socat.js';
import { socatTls } from './socat-tls.js';
import { ssh } from './ssh.js';
import type { PeerTool } from './tool.js';

/** All that xfer can be compared with, in the order in which they are told: encrypted ones first. */
export const peerTools: readonly PeerTool[] = [
  ...[scp, rsync, ssh, socatTls],
  ...[rsyncDaemon, socat, nc, ncat, mbuffer, cp],
  ...[iperf3, sockperf],
];
