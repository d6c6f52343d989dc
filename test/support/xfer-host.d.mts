/** What a host tells of a command: what that printed, and its end. */
export type HostReply =
  { readonly id: number; readonly text: string } | { readonly id: number; readonly status: number };
