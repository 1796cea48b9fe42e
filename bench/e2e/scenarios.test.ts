import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import type { Row } from '../src/report/row.ts'
import { scenarios } from '../src/scenarios/index.ts'
import type { Settings } from '../src/scenarios/scenario.ts'
import { systems } from '../src/systems/index.ts'

// So that the bench cannot rot: every scenario, as short as can be. What comes out is looked at for sense, never for speed.
const settings: Settings = {
  rounds: 1,
  windowMs: 300,
  systems: systems.map(({ name }) => name),
  inFlight: [1, 8],
  kills: 1,
  accounts: 50,
  messages: 200,
  readers: 5,
  against: null,
  svg: null,
  progress: () => undefined,
}

async function run(name: string, changes: Partial<Settings> = {}): Promise<Row[]> {
  const scenario = scenarios.find((found) => found.name === name)
  if (scenario === undefined) throw new Error(`no scenario ${name}`)
  const rows = await scenario.run({ ...settings, ...changes })
  expect(rows.length).toBeGreaterThan(0)
  for (const { what, value } of rows) expect(value, `${what}`).toSatisfy(Number.isFinite)
  return rows
}

function figure(rows: readonly Row[], part: string): number {
  const found = rows.find(({ what }) => what.includes(part))
  if (found === undefined)
    throw new Error(`no row "${part}" among: ${rows.map(({ what }) => what).join('; ')}`)
  return found.value
}

function plots(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chatroom-bench-plots-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}

it('measures the throughput of every system, and draws it', async () => {
  const svg = plots()
  const rows = await run('throughput', { svg })
  for (const { name } of systems) {
    expect(figure(rows, `${name} x8`), `${name}: acknowledged`).toBeGreaterThan(0)
    expect(rows.find(({ what }) => what === `${name} x8`)?.note?.['failures'], `${name}: failures`).toBe(0)
    expect(readFileSync(join(svg, 'throughput.svg'), 'utf8')).toContain(`>${name}</text>`)
  }
  expect(figure(rows, 'chat-stream / ceiling-stream x8')).toBeGreaterThan(0)
})

it('measures until the connected reader has a message', async () => {
  expect(figure(await run('end-to-end'), 'delivered, p50')).toBeGreaterThan(0)
})

it('counts the durable writes of every replica', async () => {
  const rows = await run('syncs', { inFlight: [1] })
  expect(rows).toHaveLength(3)
  for (const { what, value } of rows) expect(value, `${what}`).toBeGreaterThan(0)
})

it('kills the leader, then two at once, and looks for lost messages', async () => {
  const svg = plots()
  const rows = await run('failover', { svg })
  expect(figure(rows, 'leader killed: next')).toBeGreaterThan(0)
  for (const { what, value } of rows.filter(({ target }) => target?.bound === 0))
    expect(value, `${what}`).toBe(0)
  expect(readFileSync(join(svg, 'failover.svg'), 'utf8')).toContain('<circle')
})

it('stops the leader with SIGSTOP', async () => {
  const rows = await run('suspension')
  expect(figure(rows, 'leader stopped: next')).toBeGreaterThan(0)
  for (const { what, value } of rows.filter(({ target }) => target?.bound === 0))
    expect(value, `${what}`).toBe(0)
})

it('overloads one session, and nothing breaks', async () => {
  const rows = await run('overload')
  expect(figure(rows, 'chat-unary x4096')).toBeGreaterThan(0)
  expect(figure(rows, 'other failures')).toBe(0)
})

it('measures what traces cost', async () => {
  expect(figure(await run('traces'), '--traces 0.01 / without')).toBeGreaterThan(0)
})

it('measures what a state costs: in throughput, in memory, at the start', async () => {
  expect(figure(await run('growth', { windowMs: 1_000 }), '200 waiting messages / empty')).toBeGreaterThan(0)
  await run('memory')
  expect(figure(await run('startup'), 'empty: serving')).toBeGreaterThan(0)
})

it('compares this build with itself, and is left out without another', async () => {
  const against = fileURLToPath(new URL('../..', import.meta.url))
  const rows = await run('builds', { against, inFlight: [8], windowMs: 100 })
  expect(figure(rows, 'chat-unary x8')).toBeGreaterThan(0)
  expect(figure(rows, 'chat-stream x8')).toBeGreaterThan(0)
  const scenario = scenarios.find(({ name }) => name === 'builds')
  expect(await scenario?.run(settings)).toEqual([])
})
