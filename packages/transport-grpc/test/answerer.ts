import type { Hello } from '@chatroom/replica'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { onTestFinished } from 'vitest'
import { LinkRequest } from '../src/gen/chatroom/replica/v1/replica_service.ts'
import type { TransportLimits } from '../src/limits.ts'
import { createGrpcTransport } from '../src/transport.ts'
import { freePorts } from './ports.ts'

export const host = '127.0.0.1'

interface Answerer {
  readonly recorder: TransportRecorder
  readonly port: number
  /** Where replica 1, which only tests play, is configured to listen. */
  readonly callerPort: number
}

/** Replica 0, which knows of a replica 1, until the test is over. */
export async function answerer(limits: Partial<TransportLimits> = {}): Promise<Answerer> {
  const [port = 0, callerPort = 0] = await freePorts(2)
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port },
    peers: new Map([[1, { host, port: callerPort }]]),
    // No hello is late unless a test says so.
    limits: { answerMs: 60_000, ...limits },
  })
  onTestFinished(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(0))
  await transport.start(recorder)
  return { recorder, port, callerPort }
}

export interface Said {
  readonly hello?: Hello
  readonly to?: number
  readonly attempt?: number
  readonly port: number
}

/** Versions that go without saying. */
const first = { machineVersion: undefined, neededVersion: undefined }

/** The hello of replica 1 that listens on `port`, without a prefix. */
export function helloBytes({ hello = helloOf(1), to = 0, attempt = 1, port }: Said): Uint8Array {
  const value = { ...first, ...hello, to, attempt, listener: { host, port } }
  return LinkRequest.encode({ content: { $case: 'hello', value } }).finish()
}

/** A frame with one message, of this term, without a prefix. */
export function frameBytes(term: number): Uint8Array {
  const messages = [{ body: { $case: 'timeoutNow' as const, value: { term } } }]
  return LinkRequest.encode({ content: { $case: 'frame', value: { messages } } }).finish()
}
