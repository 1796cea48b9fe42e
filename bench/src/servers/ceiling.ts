// The least that a log on three replicas takes in this stack: grpc-js, group commit, two of three disks, and nothing else.
//   node ceiling.js PORT FILE [FOLLOWER…]      with followers it leads
import { type handleBidiStreamingCall, type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js'
import { RawClient, rawMethod } from '../wire.ts'
import { SyncedFile } from './disk.ts'
import { countRecords } from './records.ts'
import { ReplicatedLog } from './replicated-log.ts'

const [port = '', path = '', ...followers] = process.argv.slice(2)
const file = new SyncedFile(path)
const log = new ReplicatedLog(
  file,
  followers.map((address) => new RawClient(address).stream('/bench.Log/Replicate')),
)

const append: handleUnaryCall<Buffer, Buffer> = (call, done) => {
  log.append(call.request, () => done(null, Buffer.from([1])))
}

/** A message holds any number of records; each is answered with how many were taken, in order. */
const appendMany: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (records: Buffer) => {
    const answer = Buffer.alloc(4)
    answer.writeUInt32BE(countRecords(records))
    log.append(records, () => call.write(answer))
  })
  call.on('end', () => call.end())
  call.on('error', () => undefined)
}

const replicate: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (batch: Buffer) => file.append(batch.subarray(4), () => call.write(batch.subarray(0, 4))))
  call.on('end', () => call.end())
  call.on('error', () => undefined)
}

const server = new Server({ 'grpc.max_concurrent_streams': 1_000 })
server.addService(
  {
    Append: rawMethod('/bench.Log/Append'),
    AppendMany: rawMethod('/bench.Log/AppendMany', true),
    Replicate: rawMethod('/bench.Log/Replicate', true),
  },
  { Append: append, AppendMany: appendMany, Replicate: replicate },
)
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error
})
process.stdin.resume().once('end', () => process.exit())
