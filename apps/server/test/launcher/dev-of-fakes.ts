// The launcher with replicas that only look like some.
import { connect } from 'node:net'
import { parseAddress, processSurroundings, runProgram } from '@chatroom/configuration'
import type { ReplicaStatus } from '@chatroom/replica'
import { siblingCommand } from '../../src/dev/child-command.ts'
import { devProgram } from '../../src/dev/program.ts'
import { processScreen } from '../../src/dev/screen.ts'
import type { Answer } from '../../src/dev/status-polls.ts'

function ask(address: string, deadlineMs: number): Promise<Answer> {
  return new Promise((done) => {
    const parsed = parseAddress(address)
    if ('wrong' in parsed) throw new TypeError(parsed.wrong)
    const socket = connect(parsed.port, parsed.host)
    let text = ''
    socket.setTimeout(deadlineMs, () => socket.destroy(new Error('no answer in time')))
    socket.on('data', (data) => {
      text += data.toString()
    })
    // Of a replica that is killed the connection may end like that of one that answered: with nothing, or with a part of it.
    socket.on('end', () => {
      const status = parsedOrNull(text)
      if (isStatus(status)) done({ status })
      else done({ status: null, refused: false, reason: 'the connection ended before its answer' })
    })
    socket.on('error', (error) => done({ status: null, refused: 'code' in error, reason: error.message }))
  })
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isStatus(value: unknown): value is ReplicaStatus {
  return typeof value === 'object' && value !== null && 'pid' in value && 'crashesTolerated' in value
}

process.exitCode = await runProgram(
  devProgram(
    siblingCommand(import.meta.url, './fake-replica'),
    () => ({ ask, close: () => undefined }),
    processScreen(),
  ),
  processSurroundings(),
)
