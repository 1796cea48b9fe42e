// Answers every request with the request, once, and leaves a stream open then. What an RPC costs in this stack.
//   node echo.js PORT
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js'
import { rawMethod } from '../wire.ts'

const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => done(null, call.request)
const hold: handleServerStreamingCall<Buffer, Buffer> = (call) => void call.write(call.request)
const server = new Server({ 'grpc.max_concurrent_streams': 1_000 })
server.addService(
  {
    Echo: rawMethod('/bench.Echo/Echo'),
    Hold: { ...rawMethod('/bench.Echo/Hold'), responseStream: true },
  },
  { Echo: echo, Hold: hold },
)
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
process.stdin.resume().once('end', () => process.exit())
