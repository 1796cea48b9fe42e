/** What may happen. Each is one step of one replica. */
export type Action =
  | { readonly type: 'crash'; readonly id: number }
  | { readonly type: 'restart'; readonly id: number }
  /** Its disk has the log that its memory has, up to an index. */
  | { readonly type: 'flush'; readonly id: number; readonly upTo: number }
  /** It hears of a later term. */
  | { readonly type: 'enter'; readonly id: number; readonly term: number }
  | { readonly type: 'stand'; readonly id: number }
  | { readonly type: 'vote'; readonly id: number; readonly candidate: number }
  | { readonly type: 'lead'; readonly id: number }
  | { readonly type: 'write'; readonly id: number }
  /** A follower takes what the leader of a term sent, up to an index; nothing new: a heartbeat. */
  | { readonly type: 'append'; readonly id: number; readonly term: number; readonly upTo: number }
  | { readonly type: 'commit'; readonly id: number; readonly upTo: number }
  /** A leader takes a member out of the view, or puts another replica in. */
  | { readonly type: 'change'; readonly id: number; readonly member: number }
