import type { MemberChange } from '@chatroom/replica'
import { TransportError } from '../errors.ts'
import { type ChangeMembersRequest, MemberChange as Wire } from '../gen/chatroom/admin/v1/admin_service.ts'
import { namesByNumber } from '../wire/enum-names.ts'

const numbers: Record<MemberChange['type'], Wire> = {
  addLearner: Wire.MEMBER_CHANGE_ADD_LEARNER,
  promote: Wire.MEMBER_CHANGE_PROMOTE,
  remove: Wire.MEMBER_CHANGE_REMOVE,
}

const names = namesByNumber(numbers)

export function encodeMemberChange({ type, id }: MemberChange): ChangeMembersRequest {
  return { change: numbers[type], id }
}

/** Throws a `TransportError` `malformed message` for a change that this version does not know. */
export function decodeMemberChange({ change, id }: ChangeMembersRequest): MemberChange {
  const type = names.get(change)
  if (type === undefined)
    throw new TransportError(
      'malformed message',
      `Change ${change} of the membership is not known to this version: use the tools of the replica's version.`,
    )
  return { type, id }
}
