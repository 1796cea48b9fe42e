import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '@chatroom/configuration'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { certsCommand } from '../src/commands/certs.ts'

let workingDirectory = ''
beforeEach(() => {
  workingDirectory = mkdtempSync(join(tmpdir(), 'certs-'))
  const made = workingDirectory
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
})

async function certs(...given: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const code = await runProgram(
    { name: 'chatctl', summary: '', commands: [certsCommand] },
    {
      arguments: ['certs', ...given],
      environment: {},
      workingDirectory,
      stdout: (text) => {
        written.stdout += text
      },
      stderr: (text) => {
        written.stderr += text
      },
      control: (sequence) => {
        written.stdout += sequence
      },
    },
  )
  return { code, ...written }
}

function names(file: string): string {
  return new X509Certificate(readFileSync(join(workingDirectory, 'certs', file))).subjectAltName ?? ''
}

test('one certificate for each host, and the next step', async () => {
  const { code, stdout } = await certs('--hosts', 'chat0.example.org+10.0.0.5,localhost')
  expect(code).toBe(0)
  expect(stdout).toContain('certs/replica-1.key  (secret)\n')
  expect(stdout).toContain('start the replicas with --certs certs')
  expect(readdirSync(join(workingDirectory, 'certs'))).toHaveLength(8)
  expect(names('replica-0.crt')).toBe('DNS:replica-0, DNS:chat0.example.org, IP Address:10.0.0.5')
  expect(names('replica-1.crt')).toContain('IP Address:127.0.0.1')
  expect(names('operator.crt')).toBe('DNS:operator')
})

test('is told no for what is there already, and by --renew for what is not', async () => {
  expect(await certs('--renew')).toMatchObject({ code: 1 })
  expect((await certs()).code).toBe(0)
  const again = await certs()
  expect(again.code).toBe(1)
  expect(again.stderr).toMatch(/^\S*ca\.crt exists already and nothing was written: [^\n]*--renew[^\n]*\.\n$/)
  expect((await certs('--renew')).code).toBe(0)
})

test.each([
  ['host0:9700', "'host0:9700' is neither a host name nor an IP address; write no port."],
  ['a,,b', "'a,,b' leaves a place between its commas empty; name a host for each replica."],
  [
    '',
    'is empty; give the host of each replica, as in --hosts chat0.example.org,chat1.example.org,chat2.example.org.',
  ],
  ['a,b,c,d,e,f,g,h', 'lists 8 replicas; there may be 7.'],
])('hosts that cannot be: %s', async (hosts, words) => {
  expect(await certs('--hosts', hosts)).toEqual({ code: 2, stdout: '', stderr: `--hosts: ${words}\n` })
})
