import type { BenchPlace } from './contract.js';
import { linkLack } from './link/lack.js';
import { openLink } from './link/open-link.js';
import type { LinkParameters } from './link/parameters.js';
import type { LinkStatistics } from './link/statistics.js';
import type { BenchLink, BenchLinkWay } from './report.js';

/** Both ends on this machine, with nothing between them. */
export const loopback: BenchPlace = { farHost: '127.0.0.1', near: [], far: [], isHere: true };

/** Both sides of an emulated link, for as long as it is open. */
export interface LinkPlace extends BenchPlace {
  /** Of what came and went since it was opened: `toServer` is from the near end to the far one. */
  statistics(): Promise<LinkStatistics>;
  /** Kills what still runs there. */
  close(): Promise<void>;
}

/**
 * Rejects with ERR_XFER_NO_LINK where the machine has none. Of the link nothing is left when it is closed, nor when this
 * process has ended, however it ended.
 */
export async function openPlace(link: BenchLink): Promise<LinkPlace> {
  const lack = linkLack();
  if (lack) throw lack;
  const { back = link, seed } = link;
  const opened = await openLink({ seed, toServer: parametersOf(link), toClient: parametersOf(back) });
  const { client, server } = opened;
  return {
    ...{ farHost: server.address, near: client.prefix, far: server.prefix, isHere: false, isAlone: true },
    statistics: () => opened.statistics(),
    close: () => opened.close(),
  };
}

const parametersOf = ({ bitsPerSecond, delayMs, lossShare, queueBytes }: BenchLinkWay): LinkParameters => ({
  ...(bitsPerSecond === undefined ? {} : { rateBitsPerSecond: bitsPerSecond }),
  ...{ delayMs, loss: lossShare },
  ...(queueBytes === undefined ? {} : { queueBytes }),
});
