/** Schemes that differ in what stands behind a plus are one transport, of which they say more: `rdma+shm` is `rdma`. */
export const schemeFamily = (scheme: string): string => scheme.split('+', 1)[0] ?? scheme;
