import { packetField, packetKind, runField, udpApi, udpDefaults, type PacketSocket } from 'xfer/plugin';
import { DialerHello } from '../../plugins/udp/src/hello/dialer-hello.js';
import { nodeHelloCrypto } from '../../plugins/udp/src/hello/node-hello-crypto.js';
import { muxConfig } from '../../src/mux/config.js';
import { encodeHello } from '../../src/mux/hello.js';
import { frameType } from '../../src/mux/frame.js';

/** Whoever dials a listener and speaks the hellos as they are; what comes behind them is the test's. */
export class UdpStranger {
  /** Packets of the connection that came. */
  received = 0;
  readonly #socket: PacketSocket;
  readonly #connection: number;
  #number = 1;
  #controlSent: number;

  private constructor(socket: PacketSocket, connection: number, controlSent: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.#controlSent = controlSent;
  }

  /** `control` is what the HELLO brings. */
  static async dial(port: number, control: Uint8Array = muxHello()): Promise<UdpStranger> {
    const api = await udpApi();
    const socket = await api.packetSocket({ host: '0.0.0.0', port: 0 });
    const hello = new DialerHello({
      config: udpDefaults,
      crypto: nodeHelloCrypto((key, bytes) => api.sipHash(key, bytes)),
      parameters: { maxDatagramBytes: 1472, receiveBufferBytes: 1 << 20, creditBytes: 1 << 26 },
      pullControl: () => control,
    });
    const go = (): void => {
      for (let bytes; (bytes = hello.poll(performance.now()));)
        socket.sendStray({ host: '127.0.0.1', port }, bytes);
    };
    return new Promise((resolve) => {
      let stranger: UdpStranger | undefined;
      socket.onPackets((batch) => {
        for (let run = 0, at = 0; run < batch.runs; run++, at += packetField.size) {
          if (batch.fields[at + packetField.kind] !== packetKind.stray) {
            if (stranger) stranger.received += batch.fields[at + packetField.packets] ?? 0;
            continue;
          }
          const from = batch.fields[at + packetField.at] ?? 0;
          const bytes = batch.slab.slice(from, from + (batch.fields[at + packetField.bytes] ?? 0));
          const outcome = hello.handleDatagram(performance.now(), bytes);
          if (outcome?.kind !== 'connected') continue;
          const connection = socket.addConnection({ ...outcome.keys, remote: { host: '127.0.0.1', port } });
          stranger = new UdpStranger(socket, connection, outcome.controlSentBytes);
          resolve(stranger);
        }
        if (!stranger) go();
      });
      socket.onError(() => undefined);
      socket.onUnreachable(() => undefined);
      go();
    });
  }

  /** A CONTROL packet with these frames of the connection. */
  frames(frames: Uint8Array): void {
    this.#socket.sendControl(this.#connection, 0, this.#number++, frames);
  }

  /** Frames of mux, or what is none, as the next of control. */
  control(bytes: Uint8Array): void {
    const head = Buffer.alloc(9);
    head[0] = 3;
    head.writeUIntBE(this.#controlSent, 1, 6);
    head.writeUInt16BE(bytes.length, 7);
    this.#controlSent += bytes.length;
    this.frames(Buffer.concat([head, bytes]));
  }

  data(streamId: number, offset: number, content: Uint8Array, fin = false): void {
    const fields = new Float64Array(runField.size);
    fields[runField.connection] = this.#connection;
    fields[runField.number] = this.#number++;
    fields[runField.packets] = 1;
    fields[runField.stream] = streamId;
    fields[runField.offset] = offset;
    fields[runField.fin] = fin ? 1 : 0;
    fields[runField.packetBytes] = content.length;
    fields[runField.bytes] = content.length;
    fields[runField.pieces] = 1;
    this.#socket.sendRuns(1, fields, [content]);
  }

  close(): void {
    this.#socket.close();
  }
}

/** The first that a dialer says of mux. */
export function muxHello(): Uint8Array {
  const { maxStreamsPerPeer, maxPendingOpens, earlyStreamBytes, maxFramePayloadBytes } = muxConfig();
  return encodeHello(frameType.linkHello, {
    lowestVersion: 1,
    highestVersion: 1,
    maxStreams: maxStreamsPerPeer,
    maxPendingOpens,
    firstWindowBytes: earlyStreamBytes,
    maxPayloadBytes: maxFramePayloadBytes,
  });
}
