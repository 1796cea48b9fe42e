import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChatClient, connect } from '@chatroom/client'
import { expect, it, onTestFailed, onTestFinished } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { freePorts } from './harness/ports.ts'
import { Program, programs } from './harness/program.ts'

const ids = [0, 1, 2] as const
const secrets = {
  password: 'canary-password',
  changed: 'canary-changed',
  wrong: 'canary-wrong',
  text: 'canary-text',
}

async function run(program: string, ...flags: readonly string[]): Promise<Program> {
  const started = new Program(program, flags)
  started.endInput()
  await started.exited
  return started
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chatroom-encrypted-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** All files of a directory, as they are. */
async function contentsOf(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = found.filter((entry) => entry.isFile())
  return await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))
}

/** Changes one byte of a replica's log, in the midst of this text. */
async function damage(directory: string, text: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const content = await readFile(join(directory, name))
    const at = content.indexOf(text)
    if (at === -1) continue
    content.writeUInt8(content.readUInt8(at) ^ 1, at)
    await writeFile(join(directory, name), content)
    return
  }
  throw new Error(`no file of ${directory} holds ${text}`)
}

it('a server that others can reach does not start without encryption, and says what to do', async () => {
  const peers = ['--peers', '192.0.2.1:9700,192.0.2.2:9700,192.0.2.3:9700']
  const server = await run(programs.server, '--id', '0', ...peers)
  expect(server.stderr).toMatch(/^--certs: is needed, because [^\n]*chatctl certs[^\n]*--insecure[^\n]*\.\n$/)
  expect((await server.exited).code).toBe(2)
  const chat = await run(programs.chat, '--servers', '192.0.2.1:9600')
  expect(chat.stderr).toMatch(/^--tls-ca: is needed, because 192\.0\.2\.1:9600 [^\n]*\.\n$/)
  const directory = await temporaryDirectory()
  const places = ['--data-dir', directory, '--certs', join(directory, 'none')]
  const without = await run(programs.server, '--id', '0', ...places)
  expect(without.stderr).toMatch(
    /^\S[^\n]*replica-0\.crt|ca\.crt: there is no such file; "chatctl certs" makes certificates\.\n$/,
  )
})

it('an encrypted cluster: certificates, a crash, rotation under load, and secrets that stay secret', async () => {
  const directory = await temporaryDirectory()
  const certs = join(directory, 'certs')
  const made = await run(programs.chatctl, 'certs', '--certs', certs)
  expect([(await made.exited).code, made.stderr]).toEqual([0, ''])
  const ports = await freePorts(9)
  const places = [
    ...[
      '--client-port',
      String(ports),
      '--peer-port',
      String(ports + 3),
      '--metrics-port',
      String(ports + 6),
    ],
    ...['--data-dir', join(directory, 'data'), '--certs', certs],
  ]
  const begin = (id: number): Program =>
    new Program(programs.server, [
      ...['--id', String(id), ...places, '--log-format', 'json', '--log-level', 'trace', '--supervised'],
    ])
  const servers = ids.map(begin)
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.kill()))))
  onTestFailed(() => void process.stderr.write(servers.map(({ stdout }) => stdout.slice(-4_000)).join('\n')))
  const addresses = ids.map((id) => `127.0.0.1:${ports + id}`)
  const ca = await readFile(join(certs, 'ca.crt'), 'utf8')
  const newClient = async (): Promise<ChatClient> => {
    const client = await connect({ servers: addresses, tls: { ca }, connectTimeoutMs: 30_000 })
    onTestFinished(() => client.close({ logout: false }))
    return client
  }

  const [alice, bob] = [await newClient(), await newClient()]
  for (const [client, name] of [
    [alice, 'alice'],
    [bob, 'bob'],
  ] as const) {
    await client.createAccount(name, secrets.password)
    await expect(client.login(name, secrets.wrong)).rejects.toMatchObject({ code: 'wrong credentials' })
    await client.login(name, secrets.password, { idleTimeoutSeconds: 600 })
  }
  const token = alice.keptSession?.token ?? ''
  expect(token).toHaveLength(43)
  await alice.send('bob', `${secrets.text} 0`)

  // The operator is known by a certificate, and everybody else is told so.
  const operate = ['status', '--peer-port', String(ports + 3)]
  expect((await run(programs.chatctl, ...operate, '--certs', certs)).stdout).toContain('serves the chat')
  expect((await run(programs.chatctl, ...operate)).stdout).toContain('This port speaks TLS')
  await eventually('who speaks plain text is told that the port speaks TLS', async () =>
    connect({ servers: addresses, connectTimeoutMs: 1_000 }).then(
      () => {
        throw new Error('a client without TLS was let in')
      },
      (error: unknown) => (/This port speaks TLS/.test(String(error)) ? true : null),
    ),
  )

  // The leader dies; the certificates are replaced; nobody who sends notices more than a pause.
  let sent = 1
  let over = false
  const sending = (async () => {
    while (!over) await alice.send('bob', `${secrets.text} ${sent++}`)
  })()
  const led = addresses.indexOf(alice.leader ?? '')
  const leader = servers[led]
  await leader?.kill()
  const renewed = await run(programs.chatctl, 'certs', '--certs', certs, '--renew')
  expect([(await renewed.exited).code, renewed.stderr]).toEqual([0, ''])
  const living = servers.filter((server) => server !== leader)
  await eventually('new certificates at every replica that lives', async () => {
    await (await connect({ servers: addresses, tls: { ca } })).close()
    await run(programs.chatctl, ...operate, '--certs', certs)
    return living.every(({ json }) => json.some(({ event }) => event === 'certificates.reloaded'))
      ? true
      : null
  })
  const before = sent
  await eventually('messages after that', () => (sent > before + 20 ? true : null))
  over = true
  await sending
  let arrived = 0
  for await (const { text } of bob.inbox({ follow: false })) {
    expect(text).toBe(`${secrets.text} ${arrived++}`)
  }
  expect(arrived).toBe(sent)

  // The one that died comes back with a damaged log, mends it from the others, and its password changes meanwhile.
  await alice.changePassword(secrets.password, secrets.changed)
  await damage(join(directory, 'data', `replica-${led}`), `${secrets.text} 0`)
  const returned = begin(led)
  servers.push(returned)
  await eventually('the log is mended', () =>
    returned.json.some(({ event }) => event === 'storage.damage-mended') ? true : null,
  )
  const seen = await run(programs.chatctl, ...operate, '--certs', certs, '--json')

  // What was said to the servers is in no log, and of it only texts are on disk.
  const output = servers.map(({ stdout, stderr }) => stdout + stderr)
  const metrics = await Promise.all(
    ids.map(
      async (id) =>
        await fetch(`http://127.0.0.1:${ports + 6 + id}/metrics`).then(
          (response) => response.text(),
          () => '',
        ),
    ),
  )
  expect(metrics.filter((text) => text.includes('# HELP'))).toHaveLength(3)
  await Promise.all(servers.map((server) => server.kill()))

  // Nor in what an operator sees of a stopped replica without asking for it.
  const place = join(directory, 'data', `replica-${led}`)
  const shown = [
    await run(programs.chatctl, 'verify', place),
    await run(programs.chatctl, 'log', 'inspect', place),
    await run(programs.chatctl, 'snapshot', 'save', place, join(directory, 'data', 'saved')),
    await run(programs.chatctl, 'snapshot', 'inspect', join(directory, 'data', 'saved')),
  ]
  for (const each of [seen, ...shown]) expect([(await each.exited).code, each.stderr]).toEqual([0, ''])
  for (const written of [...output, ...metrics, ...[seen, ...shown].map(({ stdout }) => stdout)]) {
    expect(written).not.toContain('canary')
    expect(written).not.toContain(token)
  }
  const files = await contentsOf(join(directory, 'data'))
  const holding = (secret: string): number => files.filter((content) => content.includes(secret)).length
  expect([secrets.password, secrets.changed, secrets.wrong, token].map(holding)).toEqual([0, 0, 0, 0])
  // The search would have found them: the texts are there, at every replica and in what was saved; and who asks for them sees them.
  expect(holding(secrets.text)).toBeGreaterThanOrEqual(ids.length + 1)
  const asked = await run(programs.chatctl, 'log', 'inspect', place, '--contents')
  expect(asked.stdout).toContain(secrets.text)
  expect(asked.stdout).not.toContain(secrets.password)
})
