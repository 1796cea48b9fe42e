import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { Metadata, status } from '@grpc/grpc-js'
import { encodeStatusMessage } from '../wire/status-message.ts'

// Headers of HTTP/2 as gRPC uses them (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).

/** How a call ends. */
export interface CallStatus {
  readonly code: status
  readonly details: string
  /** More trailers. */
  readonly metadata?: Metadata | undefined
}

/** What a caller hears of a fault of the program. */
export const faulty: CallStatus = { code: status.INTERNAL, details: 'A fault of the server: see its log.' }

/** Before an answer, which is never compressed. */
export const answerHeaders: OutgoingHttpHeaders = {
  [constants.HTTP2_HEADER_STATUS]: 200,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
}

const well: OutgoingHttpHeaders = { 'grpc-status': '0' }

/** Of what a status says; characters. A stranger's own words may be in it, and nobody can be sent more than 64 KiB of headers. */
const longestDetails = 1_000

export function trailersOf({ code, details, metadata }: CallStatus): OutgoingHttpHeaders {
  if (code === status.OK && metadata === undefined) return well
  return {
    'grpc-status': code,
    ...(details === '' ? {} : { 'grpc-message': encodeStatusMessage(details.slice(0, longestDetails)) }),
    ...metadata?.toHttp2Headers(),
  }
}

/** The status of HTTP for what is no request of gRPC at all; null: it is one. */
export function httpFault(headers: IncomingHttpHeaders): number | null {
  if (headers[constants.HTTP2_HEADER_METHOD] !== 'POST') return constants.HTTP_STATUS_METHOD_NOT_ALLOWED
  const type = String(headers[constants.HTTP2_HEADER_CONTENT_TYPE] ?? '')
  return /^application\/grpc($|[+;])/.test(type) ? null : constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE
}

const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** The time a caller waits, milliseconds; infinite if it does not say; null: what it says is no time. */
export function timeoutOf(headers: IncomingHttpHeaders): number | null {
  const text = headers['grpc-timeout']
  if (text === undefined) return Number.POSITIVE_INFINITY
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(text)) ?? []
  const unitMs = unitsMs[unit ?? '']
  return unitMs === undefined ? null : Number(digits) * unitMs
}

/** Headers that are about the call and not from its maker to the service, besides `grpc-…` and pseudo-headers. */
const ofTransport: ReadonlySet<string> = new Set(['te', 'content-type', 'user-agent', 'accept-encoding'])

/**
 * What the maker of a call tells the service, without what is gRPC's own: a table of all headers for each call is felt.
 * @param raw names and values in turn, as they came
 */
export function metadataOf(raw: readonly string[]): Metadata {
  const metadata = new Metadata()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? ''
    const value = raw[at + 1] ?? ''
    if (name.startsWith(':') || name.startsWith('grpc-') || ofTransport.has(name)) continue
    try {
      if (!name.endsWith('-bin')) metadata.add(name, value)
      else for (const part of value.split(',')) metadata.add(name, Buffer.from(part, 'base64'))
    } catch {
      // A name or a value that HTTP allows and gRPC does not: no service can ask for it.
    }
  }
  return metadata
}

/** A status out of whatever a handler says its call failed with. */
export function statusOf(failure: unknown): CallStatus {
  const { code, details, message, metadata }: Failure = isObject(failure) ? failure : {}
  return {
    code: isCode(code) ? code : status.UNKNOWN,
    details: [details, message].find((words) => typeof words === 'string') ?? 'Unknown Error',
    metadata: metadata instanceof Metadata ? metadata : undefined,
  }
}

interface Failure {
  readonly code?: unknown
  readonly details?: unknown
  readonly message?: unknown
  readonly metadata?: unknown
}

function isObject(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null
}

function isCode(code: unknown): code is status {
  return typeof code === 'number' && code in status
}
