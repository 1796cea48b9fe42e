import { chatMutations } from './chat.ts'
import { failStopMutations } from './fail-stop.ts'
import { membershipMutations } from './membership.ts'
import type { Mutation } from './mutation.ts'
import { replicationMutations } from './replication.ts'
import { voteMutations } from './votes.ts'

export const allMutations: readonly Mutation[] = [
  ...voteMutations,
  ...replicationMutations,
  ...failStopMutations,
  ...membershipMutations,
  ...chatMutations,
]
