import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Member, type ReplicaId, sameMember } from '@chatroom/election'
import {
  introductionFault,
  type Message,
  type PeerObservation,
  type TransportReceiver,
} from '@chatroom/replica'
import { status } from '@grpc/grpc-js'
import { isLoopback, type PeerAddress } from '../address.ts'
import { ReplicaServiceService } from '../gen/chatroom/replica/v1/replica_service.ts'
import type { TransportLimits } from '../limits.ts'
import { decodeLinkResponse } from '../wire/decode.ts'
import { encodeIntroduction } from '../wire/encode.ts'
import type { Introduction } from '../wire/introduction.ts'
import type { SharedEntries } from '../wire/shared-entries.ts'
import { notTakingPart } from './incoming-links.ts'
import { type LinkFault, LinkStream } from './link-stream.ts'
import { listenerFault } from './listener-fault.ts'
import { Outbox } from './outbox.ts'
import type { Rejections } from './rejections.ts'

export interface PeerLinkOptions {
  readonly peer: ReplicaId
  readonly address: PeerAddress
  readonly limits: TransportLimits
  readonly receiver: TransportReceiver
  readonly rejections: Rejections
  /** Shared by all links. */
  readonly entries: SharedEntries
  /** What to say on a new link. */
  readonly introduce: (attempt: number) => Introduction
  readonly secure: (socket: Socket) => Duplex
}

type State =
  | { readonly name: 'stopped' }
  /** `skippable`: word from the peer cuts the pause short. */
  | { readonly name: 'pausing'; readonly timer: NodeJS.Timeout; readonly skippable: boolean }
  | { readonly name: 'dialling'; readonly stream: LinkStream; readonly deadline: NodeJS.Timeout }
  | {
      readonly name: 'open'
      readonly stream: LinkStream
      readonly member: Member
      readonly outbox: Outbox
      readonly since: number
    }
  /** An attempt or a link has ended and the receiver is to hear so before anything else happens. */
  | { readonly name: 'ended' }

/**
 * The calling side of the link to one peer: attempts, pauses, one open call.
 *
 *     pausing ──▶ dialling ──▶ open
 *        ▲           │           │
 *        └───────────┴───────────┘
 *
 * Every attempt is reported before anything is sent and has exactly one outcome: connected, refused or unreachable.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions
  #state: State = { name: 'stopped' }
  #attempt = 0
  /** Attempts without a link, since the last link. */
  #failures = 0
  /** Links that were not steady, since the last one that was. */
  #flaps = 0

  constructor(options: PeerLinkOptions) {
    this.#options = options
  }

  start(): void {
    this.#state = { name: 'ended' }
    this.#dial()
  }

  stop(): void {
    const state = this.#state
    this.#state = { name: 'stopped' }
    if (state.name === 'pausing') clearTimeout(state.timer)
    if (state.name === 'dialling') clearTimeout(state.deadline)
    if (state.name === 'open') state.outbox.close()
    if (state.name === 'dialling' || state.name === 'open') state.stream.close()
  }

  /** The peer has just been heard: if nobody answered a moment ago, somebody does now. */
  nudge(): void {
    if (this.#state.name !== 'pausing' || !this.#state.skippable) return
    clearTimeout(this.#state.timer)
    this.#dial()
  }

  get queuedBytes(): number {
    return this.#state.name === 'open' ? this.#state.outbox.queuedBytes : 0
  }

  send(to: Member, message: Message): void {
    const state = this.#state
    if (state.name !== 'open' || !sameMember(to, state.member)) return
    if (state.outbox.push(message)) return
    state.outbox.close()
    state.stream.close()
    const ended: State = { name: 'ended' }
    this.#state = ended
    // The caller is in the middle of its effects: it must not be called back before it has returned.
    setImmediate(() => {
      const { queueBytes } = this.#options.limits
      if (this.#state === ended) this.#broken(`more than ${queueBytes} bytes waited to be sent`, state.since)
    })
  }

  #dial(): void {
    const { peer, address, limits, introduce, secure } = this.#options
    this.#attempt += 1
    const attempt = this.#attempt
    this.#report({ type: 'attempting', peer, attempt }, () => {
      const path = ReplicaServiceService.link.path
      const stream = new LinkStream(
        { address, path, secure, pingMs: limits.pingMs, silentMs: limits.silentMs },
        {
          connected: () => stream.write(encodeIntroduction(introduce(attempt)), () => {}),
          message: (bytes) => this.#answered(attempt, decodeLinkResponse(bytes)),
          ended: (fault) => this.#ended(attempt, fault),
        },
      )
      const deadline = setTimeout(() => {
        // After a stall of this process the answer may already wait in the socket: read before judging.
        setImmediate(() => {
          if (this.#state.name !== 'dialling' || this.#state.stream !== stream) return
          stream.close()
          this.#unreachable(attempt, `no answer within ${limits.answerMs} ms`)
        })
      }, limits.answerMs)
      this.#state = { name: 'dialling', stream, deadline }
    })
  }

  #answered(attempt: number, introduction: Introduction): void {
    const { peer, limits, receiver, rejections, entries } = this.#options
    const state = this.#state
    if (state.name !== 'dialling') throw new TypeError(`replica ${peer} said hello twice`)
    clearTimeout(state.deadline)
    const { hello } = introduction
    const fault = this.#introductionFault(introduction)
    if (fault !== null) {
      state.stream.close()
      this.#rejected(attempt, fault)
      return
    }
    rejections.forget(peer, 'caller')
    this.#failures = 0
    const outbox = new Outbox(state.stream, limits, entries)
    this.#state = {
      name: 'open',
      stream: state.stream,
      member: hello.member,
      outbox,
      since: performance.now(),
    }
    receiver.observe({ type: 'connected', peer, attempt, hello })
  }

  #introductionFault({ hello, listener }: Introduction): string | null {
    const { peer, address, receiver } = this.#options
    const fault = introductionFault({ caller: receiver.hello(), to: peer, answerer: hello })
    return fault ?? listenerFault(peer, listener, address)
  }

  #ended(attempt: number, fault: LinkFault): void {
    const state = this.#state
    if (state.name === 'open') {
      state.outbox.close()
      this.#broken(fault.type === 'refused' ? 'refused' : fault.reason, state.since)
      return
    }
    if (state.name !== 'dialling') return
    clearTimeout(state.deadline)
    if (fault.type === 'refused') this.#refused(attempt)
    else if (fault.type === 'status' && fault.code === notTakingPart) this.#notThere(attempt, fault.reason)
    else if (fault.type === 'untrusted') this.#rejected(attempt, fault.reason)
    else if (fault.type === 'status' && rejectingCodes.has(fault.code)) this.#rejected(attempt, fault.reason)
    else this.#unreachable(attempt, fault.reason)
  }

  /** Whoever was there before has ended, as with a refused connect. */
  #notThere(attempt: number, reason: string): void {
    const { peer, rejections } = this.#options
    this.#state = { name: 'ended' }
    rejections.report(peer, 'caller', reason)
    this.#refused(attempt)
  }

  #refused(attempt: number): void {
    const { peer, address, rejections } = this.#options
    // Nobody is there: what comes next and is turned away for the same reason is news.
    for (const end of ['caller', 'answerer'] as const) rejections.forget(peer, end)
    this.#report({ type: 'refused', peer, attempt, exact: isLoopback(address.host) }, () => {
      this.#pause(this.#nextPause(), true)
    })
  }

  #unreachable(attempt: number, reason: string): void {
    this.#report({ type: 'unreachable', peer: this.#options.peer, attempt, reason }, () => {
      this.#pause(this.#nextPause(), true)
    })
  }

  #rejected(attempt: number, reason: string): void {
    const { peer, limits, rejections } = this.#options
    this.#state = { name: 'ended' }
    rejections.report(peer, 'caller', reason)
    this.#report({ type: 'unreachable', peer, attempt, reason }, () =>
      this.#pause(limits.longestPauseMs, false),
    )
  }

  #broken(reason: string, since: number): void {
    const { peer, limits } = this.#options
    const steady = performance.now() - since >= limits.steadyMs
    this.#flaps = steady ? 0 : this.#flaps + 1
    this.#report({ type: 'disconnected', peer, reason }, () => {
      if (this.#flaps <= flapsWithoutPause) this.#dial()
      else this.#pause(this.#growing(this.#flaps - flapsWithoutPause - 1), false)
    })
  }

  /** Tells the receiver first; it may stop this link by that. */
  #report(observation: PeerObservation, next: () => void): void {
    const ended: State = { name: 'ended' }
    if (this.#state.name === 'stopped') return
    this.#state = ended
    this.#options.receiver.observe(observation)
    if (this.#state === ended) next()
  }

  #nextPause(): number {
    this.#failures += 1
    return this.#growing(this.#failures - 1)
  }

  #growing(doublings: number): number {
    const { firstPauseMs, longestPauseMs } = this.#options.limits
    return Math.min(longestPauseMs, firstPauseMs * 2 ** doublings)
  }

  #pause(ms: number, skippable: boolean): void {
    this.#state = { name: 'pausing', timer: setTimeout(() => this.#dial(), ms), skippable }
  }
}

/** A replica may die soon after it came, even a few times; its death has to be noticed as fast as ever. */
const flapsWithoutPause = 3

/** With these the other end says that it will not have this replica; with others, that it cannot just now. */
const rejectingCodes: ReadonlySet<number> = new Set([
  status.FAILED_PRECONDITION,
  status.INVALID_ARGUMENT,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
])
