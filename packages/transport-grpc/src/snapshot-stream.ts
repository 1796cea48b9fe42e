import { createHash } from 'node:crypto'
import type { SavedSnapshot } from '@chatroom/replica'
import type { SnapshotCopy } from '@chatroom/replication-log'
import type { ClientReadableStream, ServerWritableStream, ServiceError } from '@grpc/grpc-js'
import { TransportError } from './errors.ts'
import type { SnapshotHead, SnapshotPart } from './gen/chatroom/replica/v1/snapshot_stream.ts'
import { cancelSoon } from './leave-call.ts'

/** The end of a call at which parts go out. */
type Outgoing<Part> = Pick<ServerWritableStream<unknown, Part>, 'cancelled' | 'write' | 'on' | 'off'>

/** A message of either plane that carries a part. */
interface Carrier {
  readonly part?: SnapshotPart | undefined
}

/** Resolves when all is sent, or nobody waits for more. */
export async function sendSnapshot(
  call: Outgoing<{ part: SnapshotPart | undefined }>,
  { clusterId, info, chunks }: SavedSnapshot,
): Promise<void> {
  const { index, term, time, view, viewPosition } = info
  const sum = createHash('sha256')
  let bytes = 0
  const send = (content: SnapshotPart['content']): Promise<boolean> => sendPart(call, { part: { content } })
  const head: SnapshotHead = { clusterId, position: { index, term }, time, view, viewPosition }
  if (!(await send({ $case: 'head', value: head }))) return
  for await (const chunk of chunks) {
    sum.update(chunk)
    bytes += chunk.length
    if (!(await send({ $case: 'data', value: chunk }))) return
  }
  await send({ $case: 'end', value: { bytes, sha256: sum.digest() } })
}

/** Waits until there is room for more. False: nobody waits for it. */
export function sendPart<Part>(call: Outgoing<Part>, part: Part): Promise<boolean> {
  if (call.cancelled) return Promise.resolve(false)
  if (call.write(part)) return Promise.resolve(true)
  return new Promise((resolve) => {
    const settle = (go: boolean) => (): void => {
      call.off('drain', more)
      call.off('cancelled', gone)
      resolve(go)
    }
    const more = settle(true)
    const gone = settle(false)
    call.on('drain', more)
    call.on('cancelled', gone)
  })
}

/**
 * The snapshot that comes in, once its head is there. Its chunks have to be read, or the call cancelled; they throw when the snapshot turns out not to be whole, or with what
 * `failure` makes of an error of the call.
 */
export async function receiveSnapshot(
  call: ClientReadableStream<Carrier>,
  address: string,
  failure: (error: ServiceError) => Error,
): Promise<SnapshotCopy> {
  const messages: AsyncIterator<Carrier, undefined> = call[Symbol.asyncIterator]()
  const next = async (): Promise<SnapshotPart['content']> => {
    try {
      const got = await messages.next()
      return got.done === true ? undefined : got.value.part?.content
    } catch (error) {
      throw isServiceError(error) ? failure(error) : error
    }
  }
  const malformed = (what: string): TransportError =>
    new TransportError('malformed message', `${address} sent a snapshot that ${what}`)
  const first = await next()
  const head = first?.$case === 'head' ? first.value : undefined
  if (head?.position === undefined || head.viewPosition === undefined) throw malformed('has no head')
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    const sum = createHash('sha256')
    let bytes = 0
    let whole = false
    try {
      for (;;) {
        const content = await next()
        if (content?.$case === 'end') {
          if (content.value.bytes !== bytes || !sum.digest().equals(content.value.sha256))
            throw malformed('is not what was sent')
          // The other end ends the call.
          await next()
          whole = true
          return
        }
        if (content?.$case !== 'data') throw malformed('broke off')
        sum.update(content.value)
        bytes += content.value.length
        yield content.value
      }
    } finally {
      if (!whole) cancelSoon(call)
    }
  }
  const { clusterId, position, time, view, viewPosition } = head
  const info = { ...position, time, view: Uint8Array.from(view), viewPosition }
  return { clusterId, info, chunks: chunks() }
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error
}
