/** Lets timers and sockets have their turn: settled promises alone would never. */
export const loopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
