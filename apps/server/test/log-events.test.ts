import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const sources = join(root, 'apps/server/src')

interface Listed {
  readonly event: string
  readonly level: string
  readonly fields: string
}

/** What the code logs: `log.warn({ event: 'replica.stalled', ms }, …)`. */
async function logged(): Promise<Listed[]> {
  const names = await readdir(sources, { recursive: true })
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.ts')).map((name) => readFile(join(sources, name), 'utf8')),
  )
  const calls = texts.flatMap((text) => [
    ...text.matchAll(/\blog\.(?<level>\w+)\(\s*\{(?<fields>[^{}]*(?:\$\{[^}]*\}[^{}]*)*)\}/g),
  ])
  return calls.flatMap(({ groups }) => {
    const parts = (groups?.['fields'] ?? '').split(',').map((part) => part.trim())
    const [, quoted = ''] = /^event: [`'](.+)[`']$/.exec(parts[0] ?? '') ?? []
    const fields = parts
      .slice(1)
      .filter((part) => part !== '')
      .map((part) => /^\w+/.exec(part)?.[0] ?? part)
    const ofPort = /^\$\{port\}(?<rest>.+)$/.exec(quoted)?.groups?.['rest']
    const events = ofPort === undefined ? [quoted] : [`client${ofPort}`, `peer${ofPort}`]
    return events.map((event) => ({ event, level: groups?.['level'] ?? '', fields: fields.join() }))
  })
}

/** What LOGS.md lists. */
async function listed(): Promise<Listed[]> {
  const text = await readFile(join(root, 'LOGS.md'), 'utf8')
  return [...text.matchAll(/^\| `(?<event>[^`]+)` \| (?<level>\w+) \| (?<fields>[^|]*)\|/gm)].map(
    ({ groups }) => ({
      event: groups?.['event'] ?? '',
      level: groups?.['level'] ?? '',
      fields: [...(groups?.['fields'] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name).join(),
    }),
  )
}

const asLine = ({ event, level, fields }: Listed): string => `${event} ${level} ${fields}`

test('LOGS.md lists every event that is logged with its level and fields, and no other', async () => {
  const inCode = await logged()
  // `replica.stopped` is logged in two places, with a reason in one.
  const once = inCode.filter(({ event, fields }) => event !== 'replica.stopped' || fields !== '')
  expect(once.length).toBeGreaterThan(20)
  expect((await listed()).map(asLine).toSorted()).toEqual(once.map(asLine).toSorted())
})

test('every line that the server logs has an event', async () => {
  const names = await readdir(sources, { recursive: true })
  const counts = await Promise.all(
    names
      .filter((name) => name.endsWith('.ts'))
      .map(async (name) => {
        const text = await readFile(join(sources, name), 'utf8')
        return [...text.matchAll(/\blog\.(?:trace|debug|info|warn|error|fatal)\(/g)].length
      }),
  )
  expect((await logged()).length - 1).toBe(counts.reduce((sum, count) => sum + count, 0))
})
