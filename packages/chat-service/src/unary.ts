import { readTraceparent } from '@chatroom/transport-grpc/chat'
import type { handleUnaryCall, Metadata } from '@grpc/grpc-js'
import { refuseIfStopped, type ServiceContext } from './context.ts'
import type { Malformed } from './definition.ts'
import { ChatFailure } from './failure.ts'
import { FollowedCall } from './followed-call.ts'
import type { ServiceMethod } from './ports.ts'
import { toFailure } from './replica-failures.ts'

/** What a handler knows of a call besides the request. */
export interface Caller {
  readonly metadata: Metadata
  /** Its address and port. Asked for by few: gRPC puts it together each time. */
  peer(): string
  /** The trace that this call is part of; null: it is not followed. */
  readonly followed: FollowedCall | null
  /** A signal that ends when the caller has left. Made when first asked for: most calls never need one. */
  departure(): AbortSignal
}

/** Turns a function from request to response into a handler: whatever it throws becomes the call's error. */
export function unary<Request extends object, Response>(
  context: Pick<ServiceContext, 'onFault' | 'onRefusal' | 'isStopped' | 'tracing'>,
  method: ServiceMethod,
  handle: (request: Request, caller: Caller) => Promise<Response>,
): handleUnaryCall<Request | Malformed, Response> {
  return (call, callback) => {
    const { request } = call
    if ('malformed' in request) {
      context.onRefusal('INVALID_ARGUMENT')
      callback(new ChatFailure('INVALID_ARGUMENT', request.malformed).toServiceError())
      return
    }
    const { tracing } = context
    const followed =
      tracing === null ? null : FollowedCall.from(tracing, method, readTraceparent(call.metadata))
    const caller: Caller = {
      followed,
      metadata: call.metadata,
      peer: () => call.getPeer(),
      departure: () => {
        const controller = new AbortController()
        if (call.cancelled) controller.abort()
        else call.once('cancelled', () => controller.abort())
        return controller.signal
      },
    }
    const fail = (error: unknown): void => {
      const failure = toFailure(error, context.onFault)
      context.onRefusal(failure.reason)
      callback(failure.toServiceError())
      followed?.answered(failure.reason)
    }
    let answer: Promise<Response>
    try {
      refuseIfStopped(context)
      answer = handle(request, caller)
    } catch (error) {
      fail(error)
      return
    }
    answer.then((response) => {
      callback(null, response)
      followed?.answered()
    }, fail)
  }
}
