// Stands in for a replica where the launcher is tested: takes the same options, listens on the same ports, and answers whoever connects to its peer port
// with its status as one line of JSON. The lowest id that listens leads.
import { connect, createServer, type Server } from 'node:net'
import {
  type Address,
  clusterOptions,
  options,
  ownMember,
  processSurroundings,
  resolveCluster,
  runProgram,
} from '@chatroom/configuration'

process.exitCode = await runProgram(
  {
    name: 'fake-replica',
    summary: 'Looks like a replica.',
    options: [
      options.id,
      ...clusterOptions,
      options.idleTimeout,
      options.logLevel,
      options.logFormat,
      options.supervised,
    ],
    run: async ({ settings }) => {
      const cluster = resolveCluster(settings)
      const own = ownMember(settings, cluster)
      if (process.env['FAKE_FAILS'] === String(own.id)) {
        process.stderr.write(`replica ${own.id}: its disk is on fire.\n`)
        return 1
      }
      const stopped = new Promise<void>((done) => {
        process.on('SIGTERM', process.env['FAKE_IS_STUBBORN'] === String(own.id) ? () => undefined : done)
        if (settings.get(options.supervised)) process.stdin.once('end', done).once('close', done).resume()
      })
      process.stdout.write(`${JSON.stringify({ level: 30, msg: 'quiet' })}\n`)
      process.stdout.write(
        `${JSON.stringify({ level: 40, msg: `flags ${process.argv.slice(2).join(' ')}` })}\n`,
      )
      let alive: number[] = []
      let term = 1
      const status = (): object => {
        const leader = alive[0] ?? own.id
        return {
          id: own.id,
          pid: process.pid,
          role: leader === own.id ? 'leader' : 'follower',
          term,
          serving: leader === own.id,
          view: { members: alive.map((id) => ({ id })) },
          viewInForce: true,
          crashesTolerated: alive.length - 1,
          waiting: [],
          mode: 'fail-stop',
          peers: [],
        }
      }
      const servers = [
        await listen(own.clientAddress, () => ''),
        await listen(own.peerAddress, () => `${JSON.stringify(status())}\n`),
      ]
      process.stdout.write(`${JSON.stringify({ level: 30, msg: 'listens' })}\n`)
      const timer = setInterval(() => {
        void Promise.all(cluster.members.map((member) => answers(member.peerAddress))).then((up) => {
          const now = cluster.members.map(({ id }) => id).filter((id) => up[id])
          if (now[0] !== alive[0]) term += 1
          alive = now
        })
      }, 20)
      await stopped
      process.stdout.write(`${JSON.stringify({ level: 30, msg: 'stopped' })}\n`)
      clearInterval(timer)
      for (const server of servers) server.close()
      process.stdin.destroy()
      return 0
    },
  },
  processSurroundings(),
)

async function listen({ host, port }: Address, says: () => string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(says())
  })
  await new Promise<void>((done) => server.listen(port, host, done))
  return server
}

function answers({ host, port }: Address): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, host)
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}
