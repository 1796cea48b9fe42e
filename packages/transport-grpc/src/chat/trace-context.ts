import type { Metadata } from '@grpc/grpc-js'

const key = 'traceparent'

/** Says in the metadata of a call which trace it is part of (https://www.w3.org/TR/trace-context, `traceparent`). */
export function setTraceparent(metadata: Metadata, traceparent: string): void {
  metadata.set(key, traceparent)
}

/** The `traceparent` of a call, as it stands there; '' if there is none, or more than one. */
export function readTraceparent(metadata: Metadata): string {
  const values = metadata.get(key)
  const [value] = values
  return values.length === 1 && typeof value === 'string' ? value : ''
}
