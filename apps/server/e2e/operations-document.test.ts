import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '@chatroom/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePorts } from './harness/ports.ts'
import { programs } from './harness/program.ts'

const run = promisify(execFile)

interface Block {
  readonly section: string
  readonly commands: string
}

/** The commands of OPERATIONS.md, in order. */
async function blocks(): Promise<Block[]> {
  const text = await readFile(new URL('../../../OPERATIONS.md', import.meta.url), 'utf8')
  return text.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf('\n'))
    return [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => ({
      section,
      commands: commands ?? '',
    }))
  })
}

/** What stands for systemd: starts `chatroom@N` as the unit does, and keeps its process id. */
const systemctl = `#!/bin/bash
set -eu
verb=$1; shift
for unit in "$@"; do
  id=\${unit#chatroom@}; pid_file=$PIDS/$id
  if [ $verb != start ] && [ -f "$pid_file" ]; then kill -TERM "$(cat "$pid_file")" || true; fi
done
for unit in "$@"; do
  id=\${unit#chatroom@}; pid_file=$PIDS/$id
  if [ $verb != start ] && [ -f "$pid_file" ]; then tail -s 0.05 --pid="$(cat "$pid_file")" -f /dev/null; rm "$pid_file"; fi
  if [ $verb != stop ]; then
    setsid node "$SERVER" --id $id --log-format json < /dev/null >> "$PIDS/$id.log" 2>&1 &
    echo $! > "$pid_file"
  fi
done
`

interface Host {
  readonly server: string
  /** Runs commands as an operator would; gives what they printed. */
  do(commands: string): Promise<string>
}

async function host(): Promise<Host> {
  const directory = await mkdtemp(join(tmpdir(), 'chatroom-operations-'))
  const [bin, pids, data] = ['bin', 'pids', 'data'].map((name) => join(directory, name))
  if (bin === undefined || pids === undefined || data === undefined) throw new Error('three directories')
  for (const place of [bin, pids, data]) await mkdir(place)
  onTestFinished(async () => {
    for (const name of await readdir(pids)) {
      if (name.endsWith('.log')) continue
      try {
        process.kill(Number(await readFile(join(pids, name), 'utf8')), 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  })
  await writeFile(join(bin, 'systemctl'), systemctl, { mode: 0o755 })
  await writeFile(join(bin, 'chatctl'), `#!/bin/sh\nexec node ${programs.chatctl} "$@"\n`, { mode: 0o755 })
  const port = await freePorts(9)
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    PIDS: pids,
    SERVER: programs.server,
    CHATROOM_DATA_DIR: data,
    CHATROOM_CLIENT_PORT: String(port),
    CHATROOM_PEER_PORT: String(port + 3),
    CHATROOM_METRICS_PORT: String(port + 6),
  }
  return {
    server: [0, 1, 2].map((id) => `127.0.0.1:${port + id}`).join(),
    do: async (commands) => {
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands], { env, timeout: 110_000 })
      return stdout
    },
  }
}

describe('OPERATIONS.md', () => {
  it('every command of it works, in this order, and what was acknowledged is still there after each section', async () => {
    const [settings, ...steps] = await blocks()
    expect(new Set(steps.map(({ section }) => section))).toEqual(
      new Set([
        'Install',
        'Look',
        'Upgrade, or restart for another reason',
        'Accounts',
        'Back up',
        'Replace a replica',
        'Two disks are lost',
        'Restore',
      ]),
    )
    const operator = await host()
    for (const [at, { section, commands }] of steps.entries()) {
      const printed = await operator.do(`${settings?.commands ?? ''}${commands}`)
      expect(printed).toMatch(lookedFor(commands))
      if (section === steps[at + 1]?.section) continue
      await withClient(operator.server, async (client) => {
        if (section === 'Install') {
          await client.createAccount('bob', 'password of bob')
          await client.createAccount('alice', 'password of alice')
          await client.login('alice', 'password of alice')
          await client.send('bob', 'kept')
          return
        }
        await client.login('bob', 'password of bob', { takeover: true })
        for await (const { text } of client.inbox()) {
          expect({ section, text }).toEqual({ section, text: 'kept' })
          break
        }
      })
    }
  })
})

/** What commands print that show the cluster. */
function lookedFor(commands: string): RegExp {
  if (commands.includes('chatctl status')) return /^Replica \d serves the chat at .*; 2 more may crash\.$/m
  return commands.includes('chatctl hash') ? /^All replicas that answered hold the same/m : /^/
}

async function withClient(
  servers: string,
  work: (client: Awaited<ReturnType<typeof connect>>) => Promise<void>,
): Promise<void> {
  const client = await connect({ servers: servers.split(',') })
  try {
    await work(client)
  } finally {
    await client.close()
  }
}
