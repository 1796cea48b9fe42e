import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { writeClusterCertificates } from '../src/index.ts'

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const hosts = [['127.0.0.1', 'localhost'], ['chat1.example.org'], ['::1']]

test('a cluster gets an authority, and certificates that it signed under the right names', async () => {
  const directory = join(temporaryDirectory(), 'certs')
  const written = await writeClusterCertificates({ directory, hosts, days: 30, renew: false })
  expect(readdirSync(directory).sort()).toEqual(
    ['ca', 'operator', 'replica-0', 'replica-1', 'replica-2'].flatMap((name) => [
      `${name}.crt`,
      `${name}.key`,
    ]),
  )
  const secrets = written.filter(({ secret }) => secret).map(({ path }) => path)
  expect(secrets).toEqual(written.map(({ path }) => path).filter((path) => path.endsWith('.key')))
  expect(secrets.map((path) => statSync(path).mode & 0o777)).toEqual(secrets.map(() => 0o600))
  const read = (name: string): X509Certificate => new X509Certificate(readFileSync(join(directory, name)))
  const ca = read('ca.crt')
  expect(ca.ca).toBe(true)
  const [zero, one, two] = [read('replica-0.crt'), read('replica-1.crt'), read('replica-2.crt')]
  for (const certificate of [zero, one, two, read('operator.crt')]) {
    expect(certificate.verify(ca.publicKey)).toBe(true)
    expect(certificate.checkIssued(ca)).toBe(true)
    expect(certificate.ca).toBe(false)
  }
  expect(zero.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(zero.checkHost('replica-0')).toBe('replica-0')
  expect(zero.checkHost('replica-1')).toBeUndefined()
  expect(one.checkHost('chat1.example.org')).toBe('chat1.example.org')
  expect(two.checkIP('::1')).toBe('::1')
  createSecureContext({
    cert: readFileSync(join(directory, 'replica-0.crt')),
    key: readFileSync(join(directory, 'replica-0.key')),
  })
})

test('nothing is overwritten', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'replica-2.key'), 'mine')
  await expect(writeClusterCertificates({ directory, hosts, days: 30, renew: false })).rejects.toMatchObject({
    code: 'exists',
  })
  expect(readdirSync(directory)).toEqual(['replica-2.key'])
  expect(readFileSync(join(directory, 'replica-2.key'), 'utf8')).toBe('mine')
})

test('renewal keeps the authority and replaces what it signed', async () => {
  const directory = temporaryDirectory()
  await writeClusterCertificates({ directory, hosts, days: 30, renew: false })
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8')
  const before = { ca: read('ca.crt'), replica: read('replica-0.crt') }
  await writeClusterCertificates({ directory, hosts, days: 60, renew: true })
  expect(read('ca.crt')).toBe(before.ca)
  expect(read('replica-0.crt')).not.toBe(before.replica)
  expect(new X509Certificate(read('replica-0.crt')).verify(new X509Certificate(before.ca).publicKey)).toBe(
    true,
  )
  expect(statSync(join(directory, 'replica-0.key')).mode & 0o777).toBe(0o600)
})

test("another authority's key is refused in words", async () => {
  const [directory, other] = [temporaryDirectory(), temporaryDirectory()]
  await writeClusterCertificates({ directory, hosts, days: 30, renew: false })
  await writeClusterCertificates({ directory: other, hosts, days: 30, renew: false })
  writeFileSync(join(directory, 'ca.key'), readFileSync(join(other, 'ca.key')))
  await expect(writeClusterCertificates({ directory, hosts, days: 30, renew: true })).rejects.toThrow(
    /the key is not that of the certificate/,
  )
})
