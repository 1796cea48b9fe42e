import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { leaveStream } from './leave-call.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function stream(writableLength: number): {
  readonly done: string[]
  readonly over: () => void
  readonly stream: Parameters<typeof leaveStream>[0]
} {
  const done: string[] = []
  let over = (): void => undefined
  return {
    done,
    over: () => over(),
    stream: {
      writableLength,
      end: () => done.push('end'),
      cancel: () => void done.push('cancel'),
      once: (_, listener) => {
        over = listener
      },
    },
  }
}

it('a stream that everything has left is cancelled, but not before what else was written to its connection has left', () => {
  const { stream: left, done } = stream(0)
  leaveStream(left)
  expect(done).toEqual([])
  vi.runAllTimers()
  expect(done).toEqual(['cancel'])
})

it('one with something yet to leave is ended, and cancelled only if the server does not end it', () => {
  const { stream: left, done } = stream(3)
  leaveStream(left)
  expect(done).toEqual(['end'])
  vi.runAllTimers()
  expect(done).toEqual(['end', 'cancel'])
})

it('and not cancelled after the server has ended it', () => {
  const { stream: left, done, over } = stream(3)
  leaveStream(left)
  over()
  vi.runAllTimers()
  expect(done).toEqual(['end'])
})

it('no call is cancelled by other means, in this package or in the client', () => {
  const packages = join(import.meta.dirname, '../..')
  const sources = ['transport-grpc', 'client'].flatMap((name) =>
    readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/(\.test\.ts|leave-call\.ts)$|(^|[\\/])gen[\\/]/.test(file))
      .map((file) => join(packages, name, 'src', file)),
  )
  expect(sources.length).toBeGreaterThan(50)
  const cancelling = sources.filter((file) => /\.cancel\(/.test(readFileSync(file, 'utf8')))
  expect(cancelling).toEqual([])
})
