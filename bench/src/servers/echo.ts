// Answers every request with the request. What an RPC costs in this stack.
//   node echo.js PORT
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js'
import { rawMethod } from '../wire.ts'

const echo: handleUnaryCall<Buffer, Buffer> = (call, done) => done(null, call.request)
const server = new Server({ 'grpc.max_concurrent_streams': 1_000 })
server.addService({ Echo: rawMethod('/bench.Echo/Echo') }, { Echo: echo })
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
process.stdin.resume().once('end', () => process.exit())
