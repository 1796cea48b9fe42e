import { describe, expect, test } from 'vitest'
import { covers, formatAddress, isLoopback } from './address.ts'
import { listenerFault } from './links/listener-fault.ts'

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::2', false],
  ['0.0.0.0', false],
  ['localhost', false],
  ['127.0.0.1.example', false],
])('a refusal at %s proves something: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test.each([
  ['127.0.0.1', 9700, true],
  ['0.0.0.0', 9700, true],
  ['::', 9700, true],
  ['127.0.0.1', 9701, false],
  ['127.0.0.2', 9700, false],
  ['::1', 9700, false],
])('a listener on %s port %i takes connections to 127.0.0.1 port 9700: %s', (host, port, expected) => {
  expect(covers({ host, port }, { host: '127.0.0.1', port: 9700 })).toBe(expected)
})

test('a listener on all IPv4 addresses takes no connections to ::1', () => {
  expect(covers({ host: '0.0.0.0', port: 9700 }, { host: '::1', port: 9700 })).toBe(false)
})

describe('a listener elsewhere than where it is dialled', () => {
  test('is a fault on loopback, with both addresses', () => {
    expect(listenerFault(2, { host: '127.0.0.1', port: 9705 }, { host: '127.0.0.1', port: 9702 })).toBe(
      'Replica 2 listens on 127.0.0.1:9705 and is configured here as 127.0.0.1:9702: make the two equal.',
    )
  })

  test('may be right across hosts', () => {
    expect(listenerFault(2, { host: '10.0.0.2', port: 9705 }, { host: 'chat-2', port: 9702 })).toBeNull()
  })
})

test('an IPv6 address has brackets', () => {
  expect(formatAddress({ host: '::1', port: 1 })).toBe('[::1]:1')
  expect(formatAddress({ host: 'a', port: 1 })).toBe('a:1')
})
