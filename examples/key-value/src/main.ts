import { fork } from 'node:child_process'
import { serve } from './serve.ts'

const [, program = '', id] = process.argv
const { HTTP_PORT = '8080', PEER_PORT = '9800', DATA = 'data' } = process.env

if (id === undefined) for (const replica of ['0', '1', '2']) fork(program, [replica])
else {
  process.on('disconnect', () => process.exit())
  await serve(Number(id), { http: Number(HTTP_PORT), peers: Number(PEER_PORT) }, DATA)
}
