// As echo.js, by the server that replicas have. What a call costs in it.
//   node own-echo.js PORT
import { createServer } from 'node:net'
import { GrpcServer } from '@chatroom/transport-grpc'
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js'
import { rawMethod } from '../wire.ts'

const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => done(null, call.request)
const hold: handleServerStreamingCall<Buffer, Buffer> = (call) => void call.write(call.request)
const grpc = new GrpcServer({
  longestRequest: 1024 * 1024,
  callsPerConnection: 1_000,
  pingMs: 30_000,
  silentMs: 10_000,
  onFault: (error) => {
    throw error
  },
})
grpc.addService(
  {
    Echo: rawMethod('/bench.Echo/Echo'),
    Hold: { ...rawMethod('/bench.Echo/Hold'), responseStream: true },
  },
  { Echo: echo, Hold: hold },
)
createServer({ noDelay: true }, (socket) => grpc.accept(socket)).listen(Number(process.argv[2]), '127.0.0.1')
process.stdin.resume().once('end', () => process.exit())
