import { type Member, type ReplicaId, sameMember } from '@chatroom/election'
import { introductionFault, type TransportReceiver } from '@chatroom/replica'
import { status } from '@grpc/grpc-js'
import type { PeerAddress } from '../address.ts'
import { wordsOf } from '../errors.ts'
import type { TransportLimits } from '../limits.ts'
import type { ByteStream } from '../server/byte-stream.ts'
import { decodeLinkRequest } from '../wire/decode.ts'
import { encodeIntroduction } from '../wire/encode.ts'
import type { Introduction } from '../wire/introduction.ts'
import { listenerFault } from './listener-fault.ts'
import type { Rejections } from './rejections.ts'

/**
 * What a process answers that holds the peer address of its replica and has not begun an incarnation. Nobody else may answer so: it is as exact as a refused connect, since the process that held the
 * address before has ended.
 */
export const notTakingPart: status = status.NOT_FOUND

export interface IncomingLinksOptions {
  readonly peers: ReadonlyMap<ReplicaId, PeerAddress>
  readonly limits: TransportLimits
  readonly receiver: TransportReceiver
  readonly rejections: Rejections
  /** What to answer a hello with. */
  readonly introduce: (to: ReplicaId) => Introduction
  /** A peer's call was accepted: it lives. */
  readonly heard: (peer: ReplicaId, call: ByteStream) => void
  /** null if the maker of the call may speak as this replica, or why not. */
  readonly faultOfCaller: (call: ByteStream, peer: ReplicaId) => string | null
}

/** A call whose caller said an acceptable hello. */
interface Accepted {
  readonly call: ByteStream
  readonly member: Member
  readonly attempt: number
}

/** The answering side of the links: one call per peer counts, the newest. */
export class IncomingLinks {
  readonly #options: IncomingLinksOptions
  readonly #accepted = new Map<ReplicaId, Accepted>()
  /** Calls that still count, accepted or not yet. */
  readonly #live = new Set<ByteStream>()

  constructor(options: IncomingLinksOptions) {
    this.#options = options
  }

  /** Takes a new call of `ReplicaService.Link`. */
  handle(call: ByteStream): void {
    const { limits } = this.#options
    this.#live.add(call)
    const deadline = setTimeout(() => {
      this.#end(call, status.DEADLINE_EXCEEDED, `No hello within ${limits.answerMs} ms.`)
    }, limits.answerMs)
    let accepted: Accepted | undefined
    call.on('data', (bytes: Buffer) => {
      if (accepted === undefined) {
        clearTimeout(deadline)
        accepted = this.#greet(call, bytes)
      } else {
        this.#receive(accepted, bytes)
      }
    })
    const gone = (): void => {
      clearTimeout(deadline)
      this.#end(call, status.OK, '')
    }
    call.on('end', gone)
    call.on('cancelled', gone)
  }

  stop(): void {
    for (const call of this.#live) this.#end(call, status.UNAVAILABLE, 'This replica stops.')
  }

  #greet(call: ByteStream, bytes: Buffer): Accepted | undefined {
    const { rejections, introduce, heard } = this.#options
    let introduction: Introduction
    try {
      const content = decodeLinkRequest(bytes)
      if (content.type !== 'introduction') {
        this.#end(call, status.INVALID_ARGUMENT, 'A link begins with a hello.')
        return undefined
      }
      introduction = content.introduction
    } catch (error) {
      this.#end(call, status.INVALID_ARGUMENT, wordsOf(error))
      return undefined
    }
    const { member } = introduction.hello
    const stranger = this.#options.faultOfCaller(call, member.id)
    if (stranger !== null) {
      if (this.#options.peers.has(member.id)) rejections.report(member.id, 'answerer', stranger)
      this.#end(call, status.UNAUTHENTICATED, stranger)
      return undefined
    }
    const fault = this.#introductionFault(introduction)
    if (fault !== null) {
      if (this.#options.peers.has(member.id)) rejections.report(member.id, 'answerer', fault)
      this.#end(call, status.FAILED_PRECONDITION, fault)
      return undefined
    }
    rejections.forget(member.id, 'answerer')
    const earlier = this.#accepted.get(member.id)
    if (earlier !== undefined) {
      if (isNewer(earlier, introduction)) {
        this.#end(call, status.ABORTED, `Replica ${member.id} has opened a newer link.`)
        return undefined
      }
      this.#end(earlier.call, status.ABORTED, `Replica ${member.id} has opened a newer link.`)
    }
    const accepted = { call, member, attempt: introduction.attempt }
    this.#accepted.set(member.id, accepted)
    call.longestRequest = this.#options.limits.queueBytes
    call.writePrefixed(encodeIntroduction(introduce(member.id)))
    heard(member.id, call)
    return accepted
  }

  #introductionFault({ hello, to, listener }: Introduction): string | null {
    const { peers, receiver } = this.#options
    const own = receiver.hello()
    const fault = introductionFault({ caller: hello, to, answerer: own })
    if (fault !== null) return fault
    const address = peers.get(hello.member.id)
    if (address === undefined) {
      return `Replica ${own.member.id} is not configured with a replica ${hello.member.id}: give all replicas the same list of peers.`
    }
    return listenerFault(hello.member.id, listener, address)
  }

  #receive({ call, member }: Accepted, bytes: Buffer): void {
    const { receiver, rejections } = this.#options
    let messages: readonly Parameters<typeof receiver.receive>[1][]
    try {
      const content = decodeLinkRequest(bytes)
      if (content.type !== 'frame') {
        this.#end(call, status.INVALID_ARGUMENT, 'A link has one hello.')
        return
      }
      messages = content.messages
    } catch (error) {
      const reason = `Replica ${member.id} sent what cannot be read. ${wordsOf(error)}`
      this.#end(call, status.INVALID_ARGUMENT, reason)
      rejections.report(member.id, 'answerer', reason)
      return
    }
    for (const message of messages) {
      if (!this.#live.has(call)) return
      receiver.receive(member, message)
    }
  }

  #end(call: ByteStream, code: status, details: string): void {
    if (!this.#live.has(call)) return
    this.#forget(call)
    call.finish({ code, details })
  }

  #forget(call: ByteStream): void {
    this.#live.delete(call)
    for (const [id, accepted] of this.#accepted) if (accepted.call === call) this.#accepted.delete(id)
  }
}

/** Whether the link that is open is newer than the one that now says hello: a call may arrive late, after its caller has given it up. */
function isNewer(open: Accepted, { hello, attempt }: Introduction): boolean {
  if (sameMember(open.member, hello.member)) return open.attempt > attempt
  return open.member.disk === hello.member.disk && open.member.incarnation > hello.member.incarnation
}
