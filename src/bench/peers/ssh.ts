import { plainPath, sshProgram, sshdProgram } from '../sshd.js';
import { consumed, processNames, produce, type Flow, type FlowCommand, type Pipeline } from './flow.js';
import { sshAccess } from './ssh-command.js';
import { pathIn, type PeerTool } from './tool.js';
import { transferRuns } from './transfer-runs.js';

const tarProgram = { name: 'tar', packageName: 'tar', ask: ['--version'], says: /GNU tar|bsdtar/ };

/** ssh itself: `cat` at its other end for a file or a pipe, `tar` at both for many files. */
export const ssh: PeerTool = {
  name: 'ssh',
  isSealed: true,
  patterns: { file: 'both ways', pipe: 'both ways', 'small-files': 'both ways' },
  needs: [sshProgram, sshdProgram, tarProgram],
  async open(context) {
    const { sshd, configuration } = await sshAccess(context.setup);
    const command = [pathIn(context, 'ssh'), '-F', configuration, sshd.host];
    const { pattern } = context.setup.work;
    const way = pattern === 'small-files' ? trees : pattern === 'pipe' ? pipe : file;
    const [packs, remote] = pattern === 'small-files' ? ['tar | ', 'tar -x'] : ['', 'cat > FILE'];
    return transferRuns('ssh', context, {
      how: `${packs}ssh -c ${sshd.cipher}${pattern === 'pipe' ? '' : ` '${remote}'`}`,
      server: { process: 'sshd', pid: sshd.pid },
      commandsOf: (flow) => ({
        near: way(flow, command),
        ...(pattern === 'small-files' ? { intoDirectory: true } : {}),
      }),
    });
  },
};

/** What is said to the shell at the other end holds our own paths alone, which it reads as they are. */
function file(flow: Flow, ssh: readonly string[]): Pipeline {
  const { near } = processNames(flow);
  const [source, target] = [plainPath(flow.source), plainPath(flow.target)];
  return flow.direction === 'there'
    ? { commands: [{ argv: [...ssh, `cat > ${target}`], process: near }], input: source }
    : { commands: [{ argv: [...ssh, `cat ${source}`], process: near }], output: target };
}

function pipe(flow: Flow, ssh: readonly string[]): Pipeline {
  const { near } = processNames(flow);
  const { producer, isKept, timeMs } = flow.piped ?? { producer: [], isKept: true };
  plainPath(flow.source);
  if (flow.direction === 'there') {
    const consumer = isKept ? `cat > ${plainPath(flow.target)}` : 'wc -c';
    const counts = isKept ? {} : { isCounter: true as const };
    return { commands: [produce(flow), { argv: [...ssh, consumer], process: near, ...counts }] };
  }
  // What brings it is not ours to end.
  const words = producer.join(' ');
  const sends = timeMs === undefined ? words : `timeout ${timeMs / 1000} ${words}; true`;
  return consumed({ argv: [...ssh, sends], process: near }, flow);
}

function trees(flow: Flow, ssh: readonly string[]): Pipeline {
  const { near } = processNames(flow);
  const packs = ['tar', '-C', plainPath(flow.source), '-cf', '-', '.'];
  const unpacks = ['tar', '-C', plainPath(flow.target), '-xf', '-'];
  const [here, there] = flow.direction === 'there' ? [packs, unpacks] : [unpacks, packs];
  const local: FlowCommand = { argv: here, process: near };
  const remote: FlowCommand = { argv: [...ssh, there.join(' ')], process: near };
  return { commands: flow.direction === 'there' ? [local, remote] : [remote, local] };
}
