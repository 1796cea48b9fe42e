import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'

/** Whether a stream that has just been told of is over, so that `respond` would throw. Its error, if it has one, is nobody's then. */
export function isOver(stream: ServerHttp2Stream): boolean {
  const over = stream.destroyed || stream.closed
  if (over) stream.on('error', nobodyHears)
  return over
}

/** Answers with nothing but these. What still comes is read and dropped. */
export function answerAtOnce(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond(headers, { endStream: true })
  stream.resume()
}

/** Ends a stream whose caller took too long: to take what was written, or, if it has all of it, to end its side, too (RFC 9113 §8.1). */
export function giveUp(stream: ServerHttp2Stream): void {
  stream.close(stream.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL)
}

/** For errors that somebody else is told of: without a listener they would end the process. */
export function nobodyHears(): void {}
