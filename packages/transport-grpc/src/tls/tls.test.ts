import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  type Authority,
  createAuthority,
  type Issued,
  issueForOperator,
  issueForReplica,
} from '@chatroom/certificates'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { removeFiles, replaceFiles, writeFiles } from '../../test/certified.ts'
import { freePorts } from '../../test/ports.ts'
import { adminService, connectAdmin, operatorCredentials } from '../admin/index.ts'
import {
  type CertificateNotice,
  createGrpcTransport,
  createPeerTls,
  type GrpcTransport,
  openCertificates,
  type PeerCredentials,
  type Refusal,
} from '../index.ts'

const host = '127.0.0.1'
const month = { days: 30 }
/** What has not answered by then hangs. */
const patienceMs = 60_000
const lastYear = { from: new Date(Date.now() - 400 * 86_400_000), days: 30 }

let authority: Authority
let other: Authority
beforeAll(async () => {
  authority = await createAuthority(month)
  other = await createAuthority(month)
})

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  removeFiles()
})

interface Started {
  readonly transport: GrpcTransport
  readonly recorder: TransportRecorder
  readonly refusals: Refusal[]
}

/** Replica `id` of two, with this certificate; null: in plain text. */
async function start(
  id: number,
  ports: readonly number[],
  issued: Issued | null,
  ca = authority.certificate,
): Promise<Started> {
  const refusals: Refusal[] = []
  const credentials = issued === null ? null : tlsOf(issued, ca, refusals)
  return { ...(await startWith(id, ports, credentials)), refusals }
}

function tlsOf(issued: Issued, ca: string, refusals: Refusal[]): PeerCredentials {
  const certificates = openCertificates(writeFiles(ca, issued), () => undefined)
  return createPeerTls({ certificates, handshakeMs: 2_000, refused: (refusal) => refusals.push(refusal) })
}

async function startWith(
  id: number,
  ports: readonly number[],
  credentials: PeerCredentials | null,
): Promise<Omit<Started, 'refusals'>> {
  const peers = new Map(ports.map((port, peer) => [peer, { host, port }]))
  const administered = {
    status: () => {
      throw Object.assign(new Error('the service was reached'), { code: 'stopped' })
    },
    transferLeadership: () => Promise.resolve(),
  }
  const transport = createGrpcTransport({
    id,
    listen: { host, port: ports[id] ?? 0 },
    peers,
    services: [adminService(administered, credentials === null ? {} : { credentials })],
    ...(credentials === null ? {} : { credentials }),
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(id))
  await transport.start(recorder)
  return { transport, recorder }
}

async function replica(id: number, signer = authority, validity: object = month): Promise<Issued> {
  return await issueForReplica(signer, id, [host], { ...month, ...validity })
}

async function reasonAt(recorder: TransportRecorder, peer: number): Promise<string> {
  return (await recorder.untilObserved(peer, 'unreachable')).reason
}

describe('two replicas', () => {
  test('with certificates of their names talk', async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    const one = await start(1, ports, await replica(1))
    await zero.recorder.untilObserved(1, 'connected')
    await one.recorder.untilObserved(0, 'connected')
    zero.transport.send(helloOf(1).member, { type: 'timeoutNow', term: 7 })
    await one.recorder.until('the message', (event) => (event.type === 'received' ? true : undefined))
    expect([...zero.refusals, ...one.refusals]).toEqual([])
  })

  test('of different authorities do not, and both hear why', async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    const one = await start(1, ports, await replica(1, other), other.certificate)
    const words = 'what listens there shows a certificate of an authority that is not trusted here'
    expect(await reasonAt(zero.recorder, 1)).toBe(words)
    expect(await reasonAt(one.recorder, 0)).toBe(words)
  })

  test('whose caller alone is of another authority do not, and both hear why', async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    // Believes the authority of the others, and is not believed.
    const one = await start(1, ports, await replica(1, other))
    expect(await reasonAt(one.recorder, 0)).toContain(
      'this one shows a certificate of an authority that is not trusted here',
    )
    expect(zero.refusals[0]).toEqual({
      from: host,
      reason: 'shows a certificate of an authority that is not trusted here',
    })
  })

  test('one of which shows the name of another do not, and both hear why', async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    const one = await start(1, ports, await replica(2))
    expect(await reasonAt(zero.recorder, 1)).toMatch(
      /^what listens there shows a certificate for others: .*replica-2/,
    )
    expect(await reasonAt(one.recorder, 0)).toMatch(/not that of replica 1: it is for DNS:replica-2/)
  })

  test('one of which is not configured do not, though the authority has signed its name', async () => {
    const ports = await freePorts(3)
    const zero = await start(0, ports.slice(0, 2), await replica(0))
    const two = await start(2, ports, await replica(2))
    expect(await reasonAt(two.recorder, 0)).toContain('Replica 0 is not configured with a replica 2')
    expect(zero.recorder.events.filter(({ type }) => type === 'received')).toEqual([])
  })

  test("a replica does not take an operator's certificate for a replica's", async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    const one = await start(1, ports, await issueForOperator(authority, month))
    expect(await reasonAt(one.recorder, 0)).toMatch(/not that of replica 1: it is for DNS:operator/)
    expect(await reasonAt(zero.recorder, 1)).toMatch(/^what listens there shows a certificate/)
  })

  test('one of which speaks plain text do not, and both hear why', async () => {
    const ports = await freePorts(2)
    const zero = await start(0, ports, await replica(0))
    const one = await start(1, ports, null)
    expect(await reasonAt(one.recorder, 0)).toContain('This port speaks TLS')
    expect(await reasonAt(zero.recorder, 1)).toBe('what listens there does not speak TLS')
    expect(zero.refusals[0]).toEqual({ from: host, reason: 'does not speak TLS' })
  })
})

test('expired: nobody begins with it, and a caller who shows it is refused', async () => {
  const expired = await replica(1, authority, lastYear)
  const files = writeFiles(authority.certificate, expired)
  expect(() => openCertificates(files, () => undefined)).toThrow(/own.crt expired on .*chatctl certs --renew/)
  const [port = 0] = await freePorts(1)
  const zero = await start(0, [port], await replica(0))
  const socket = connectTls({
    port,
    host,
    ca: authority.certificate,
    cert: expired.certificate,
    key: expired.key,
    servername: 'replica-0',
    ALPNProtocols: ['h2'],
  })
  closers.push(() => socket.destroy())
  socket.on('error', () => undefined).resume()
  await new Promise((resolve) => socket.on('close', resolve))
  expect(zero.refusals).toEqual([{ from: host, reason: 'shows a certificate that has expired' }])
})

describe('connections that come to nothing end', () => {
  test.each([
    ['that say nothing', Buffer.alloc(0), /^said nothing/],
    ['that say what is no protocol', Buffer.from('hello'), /^does not speak TLS/],
    ['that begin TLS and go on otherwise', Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]), /^broke off TLS/],
    ['that begin TLS and stop', Buffer.from([0x16, 3, 1]), /^broke off TLS/],
  ])('%s', async (_, bytes, reason) => {
    const [port = 0] = await freePorts(1)
    const zero = await start(0, [port], await replica(0))
    const socket = connectTcp(port, host)
    socket.on('error', () => undefined).resume()
    socket.write(bytes)
    await new Promise((resolve) => socket.on('close', resolve))
    expect(zero.refusals.map(({ from }) => from)).toEqual([host])
    expect(zero.refusals[0]?.reason).toMatch(reason)
  })
})

describe('the admin service', () => {
  async function outcome(port: number, issued: Issued | null, ca = authority.certificate): Promise<string> {
    const credentials = issued === null ? undefined : operatorCredentials(writeFiles(ca, issued))
    const client = connectAdmin(`${host}:${port}`, credentials === undefined ? {} : { credentials })
    closers.push(() => client.close())
    return await client.status({ deadlineMs: patienceMs }).then(
      () => 'answered',
      (error: unknown) => String(error),
    )
  }

  test('answers operators and nobody else', async () => {
    const [port = 0] = await freePorts(1)
    await start(0, [port], await replica(0))
    expect(await outcome(port, await issueForOperator(authority, month))).toContain('the service was reached')
    expect(await outcome(port, await replica(1))).toContain('The admin service is for operators')
    expect(await outcome(port, await issueForOperator(other, month))).toContain('is not trusted here')
    expect(await outcome(port, null)).toContain('This port speaks TLS')
  })

  test('that speaks plain text is told in words to who comes with a certificate', async () => {
    const [port = 0] = await freePorts(1)
    await start(0, [port], null)
    expect(await outcome(port, await issueForOperator(authority, month))).toBe(
      `TransportError: ${host}:${port} does not speak TLS: ask without certificates, or start the replicas with them`,
    )
  })

  test('is believed only with the certificate of a replica', async () => {
    const [port = 0, strange = 0] = await freePorts(2)
    await start(0, [port], await replica(0, other), other.certificate)
    await start(0, [strange], await issueForOperator(authority, month))
    const operator = await issueForOperator(authority, month)
    expect(await outcome(port, operator)).toMatch(/self.signed|unable to/)
    expect(await outcome(strange, operator)).toMatch(/certificate/)
  })
})

describe('rotation', () => {
  test('new connections use new files, old ones go on, nobody stops sending', async () => {
    const ports = await freePorts(2)
    const notices: CertificateNotice[] = []
    const open = (files: ReturnType<typeof writeFiles>): PeerCredentials =>
      createPeerTls({
        certificates: openCertificates(files, (notice) => notices.push(notice), { lookEveryMs: 0 }),
        refused: () => undefined,
      })
    const files = [
      writeFiles(authority.certificate, await replica(0)),
      writeFiles(authority.certificate, await replica(1)),
    ] as const
    const zero = await startWith(0, ports, open(files[0]))
    await startWith(1, ports, open(files[1]))
    await zero.recorder.untilObserved(1, 'connected')
    // Both authorities are believed while certificates change from one to the other.
    const both = authority.certificate + other.certificate
    const before = zero.recorder.events.length
    let sent = 0
    const sending = setInterval(() => {
      sent++
      zero.transport.send(helloOf(1).member, { type: 'timeoutNow', term: sent })
    }, 1)
    closers.push(() => clearInterval(sending))
    for (const [ca, signer] of [
      [both, authority],
      [both, other],
      [other.certificate, other],
    ] as const) {
      replaceFiles(files[0], ca, await replica(0, signer))
      replaceFiles(files[1], ca, await replica(1, signer))
      // A connection makes the replica look; it is the new certificate that it shows.
      const credentials = operatorCredentials(writeFiles(ca, await issueForOperator(signer, month)))
      const client = connectAdmin(`${host}:${ports[1]}`, { credentials })
      closers.push(() => client.close())
      expect(
        String(await client.status({ deadlineMs: patienceMs }).catch((error: unknown) => error)),
      ).toContain('the service was reached')
    }
    expect(sent).toBeGreaterThan(0)
    expect(notices.map(({ type }) => type)).not.toContain('unusable')
    expect(zero.recorder.events.slice(before).filter((event) => event.type === 'observed')).toEqual([])
    // What believes the old authority only does not get in any more.
    const old = operatorCredentials(
      writeFiles(authority.certificate, await issueForOperator(authority, month)),
    )
    const late = connectAdmin(`${host}:${ports[1]}`, { credentials: old })
    closers.push(() => late.close())
    expect(String(await late.status({ deadlineMs: patienceMs }).catch((error: unknown) => error))).toMatch(
      /self.signed|unable to/,
    )
  })

  test('files that do not fit change nothing, and are told once', async () => {
    const first = await replica(0)
    const files = writeFiles(authority.certificate, first)
    const notices: CertificateNotice[] = []
    const certificates = openCertificates(files, (notice) => notices.push(notice), { lookEveryMs: 0 })
    const before = certificates.current()
    const second = await replica(0)
    replaceFiles(files, authority.certificate, { certificate: second.certificate, key: first.key })
    expect(certificates.current()).toBe(before)
    expect(certificates.current()).toBe(before)
    expect(notices.map(({ type }) => type)).toEqual(['unusable'])
    expect(JSON.stringify(notices)).toContain('own.key cannot be used with')
    replaceFiles(files, authority.certificate, second)
    expect(certificates.current().cert.toString()).toBe(second.certificate)
    expect(notices[1]).toMatchObject({ type: 'reloaded' })
  })
})
