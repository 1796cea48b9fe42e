import { Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Answer, UnaryCalls } from '../http2/unary-calls.ts'
import type { Connection } from './system.ts'

/** A call a payload. */
export function unaryConnection(
  calls: UnaryCalls,
  encode: (payload: Buffer) => Buffer = (payload) => payload,
): Connection {
  return {
    async write(payload) {
      const answer = await calls.call(encode(payload))
      if (answer.status !== 0) throw serviceError(answer)
    },
    close: () => calls.close(),
  }
}

/** What a call that failed says, as grpc-js would. */
function serviceError({ status, trailers }: Answer): ServiceError {
  const details = decodeURIComponent(trailers.get('grpc-message') ?? '')
  const metadata = Metadata.fromHttp2Headers(Object.fromEntries(trailers))
  return Object.assign(new Error(details), { code: status, details, metadata })
}
