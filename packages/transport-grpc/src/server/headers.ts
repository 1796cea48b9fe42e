import { constants } from 'node:http2'
import { Metadata, status } from '@grpc/grpc-js'
import { encodeFields } from '../http2/field-encoder.ts'
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

const answerFields = [':status', '200', 'content-type', 'application/grpc+proto']

const answer = encodeFields(answerFields)
const well = encodeFields(['grpc-status', '0'])

/** Of what a status says; characters. A stranger's own words may be in it, and nobody can be sent more than 64 KiB of headers. */
const longestDetails = 1_000

/** The fields before an answer, which is never compressed. `more`: the service's own. */
export function encodeAnswer(more: Metadata | null): Buffer {
  return more === null ? answer : encodeFields([...answerFields, ...fieldsOf(more)])
}

/** The fields behind an answer. */
export function encodeTrailers(end: CallStatus): Buffer {
  return end.code === status.OK && end.metadata === undefined ? well : encodeFields(trailersOf(end))
}

/** The fields of an answer without messages. `more`: the service's own. */
export function encodeOnlyTrailers(end: CallStatus, more: Metadata | null): Buffer {
  return encodeFields([...answerFields, ...(more === null ? [] : fieldsOf(more)), ...trailersOf(end)])
}

/** Of an answer that is none of gRPC. */
export function encodeHttpStatus(code: number): Buffer {
  return encodeFields([':status', String(code)])
}

function trailersOf({ code, details, metadata }: CallStatus): string[] {
  const words = details === '' ? [] : ['grpc-message', encodeStatusMessage(details.slice(0, longestDetails))]
  return ['grpc-status', String(code), ...words, ...(metadata === undefined ? [] : fieldsOf(metadata))]
}

function fieldsOf(metadata: Metadata): string[] {
  return Object.entries(metadata.toHttp2Headers()).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((one) => [name, String(one)]),
  )
}

/** What gRPC itself asks of the fields of a request; the last, if one is there more than once. */
export interface RequestFields {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly contentType: string
  /** As it came; null: the caller says none. */
  readonly timeout: string | null
  /** There are more values in it than are read: one field of bytes may have thousands, and be named in a byte by the next request. */
  readonly isExcessive: boolean
}

/** @param fields names and values in turn */
export function readRequest(fields: readonly string[]): RequestFields {
  let [method, path, authority, contentType] = ['', '', '', '']
  let timeout: string | null = null
  let values = 0
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1] ?? ''
    switch (fields[at] ?? '') {
      case ':method':
        method = value
        break
      case ':path':
        path = value
        break
      case ':authority':
        authority = value
        break
      case 'content-type':
        contentType = value
        break
      case 'grpc-timeout':
        timeout = value
        break
    }
    if (isOfBytes(fields[at] ?? '')) values = countValues(value, values)
  }
  return { method, path, authority, contentType, timeout, isExcessive: values > mostValues }
}

/** Whether a field is of bytes, in base64, and may have several values with a comma between two. */
function isOfBytes(name: string): boolean {
  return name.endsWith('-bin')
}

/** How many they are with those of this field; no further than matters. */
function countValues(value: string, before: number): number {
  let count = before + 1
  for (let at = value.indexOf(','); at >= 0 && count <= mostValues; at = value.indexOf(',', at + 1)) count++
  return count
}

/** The status of HTTP for what is no request of gRPC at all; null: it is one. */
export function httpFault({ method, contentType }: RequestFields): number | null {
  if (method !== 'POST') return constants.HTTP_STATUS_METHOD_NOT_ALLOWED
  return /^application\/grpc($|[+;])/.test(contentType) ? null : constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE
}

/** Of fields of bytes in one request. */
export const mostValues = 128

const unitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** The time a caller waits, milliseconds; infinite if it does not say; null: what it says is no time. */
export function timeoutOf({ timeout }: RequestFields): number | null {
  if (timeout === null) return Number.POSITIVE_INFINITY
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(timeout) ?? []
  const unitMs = unitsMs[unit ?? '']
  return unitMs === undefined ? null : Number(digits) * unitMs
}

/** PROTOCOL-HTTP2, "Custom-Metadata". */
const legalName = /^[0-9a-z_.-]+$/
const legalValue = /^[ -~]*$/

/** Headers that are about the call and not from its maker to the service, besides `grpc-…` and pseudo-headers. */
const ofTransport: ReadonlySet<string> = new Set(['te', 'content-type', 'user-agent', 'accept-encoding'])

/**
 * What the maker of a call tells the service, without what is gRPC's own: a table of all fields for each call is felt.
 * @param fields names and values in turn
 */
export function metadataOf(fields: readonly string[]): Metadata {
  const metadata = new Metadata()
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const value = fields[at + 1] ?? ''
    if (name.startsWith(':') || name.startsWith('grpc-') || ofTransport.has(name)) continue
    // What HTTP allows and gRPC does not no service can ask for; grpc-js throws it.
    if (!legalName.test(name)) continue
    if (isOfBytes(name)) for (const part of value.split(',')) metadata.add(name, Buffer.from(part, 'base64'))
    else if (legalValue.test(value)) metadata.add(name, value)
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
