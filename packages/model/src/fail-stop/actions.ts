/** What may happen. Each is one step of one replica, or of the world around it. */
export type Action =
  /** The process ends; what its disk does not have is lost. */
  | { readonly type: 'crash'; readonly id: number }
  | { readonly type: 'restart'; readonly id: number }
  /** It starts again with an empty disk (rule 9). */
  | { readonly type: 'restart on a new disk'; readonly id: number }
  /** Its disk has the log that its memory has, up to an index. */
  | { readonly type: 'flush'; readonly id: number; readonly upTo: number }
  /** It hears how far the log is committed. */
  | { readonly type: 'learn'; readonly id: number }
  /** It hears of a later term. */
  | { readonly type: 'enter'; readonly id: number; readonly term: number }
  | { readonly type: 'write'; readonly id: number }
  /** A follower takes what the leader of a term sent, up to an index; nothing new: a heartbeat. */
  | { readonly type: 'append'; readonly id: number; readonly term: number; readonly upTo: number }
  /** A leader has heard enough to commit up to an index. */
  | { readonly type: 'commit'; readonly id: number; readonly upTo: number }
  /** A leader takes these dead members out of the view (rule 3). */
  | { readonly type: 'remove'; readonly id: number; readonly dead: readonly number[] }
  /** A leader names a returnee in the view (rule 5). */
  | { readonly type: 'add'; readonly id: number; readonly joiner: number }
  /** A leader or candidate ends that by itself. */
  | { readonly type: 'give up'; readonly id: number }
  /** Rule 4. */
  | {
      readonly type: 'stand'
      readonly id: number
      readonly kind: 'election' | 'transfer'
      readonly term: number
    }
  /** Rule 6: as far as it knows, `by` has the newest view. */
  | { readonly type: 'recover'; readonly id: number; readonly by: number; readonly term: number }
  | { readonly type: 'vote'; readonly id: number; readonly candidate: number }
  /** A candidate takes over a voter's log, or a part of it. */
  | { readonly type: 'adopt'; readonly id: number; readonly voter: number; readonly upTo: number }
  /** A candidate has won; these members of its view it knows to be dead. */
  | { readonly type: 'lead'; readonly id: number; readonly dead: readonly number[] }
