import { describe, expect, it } from 'vitest'
import { containing } from '../../test/driver.ts'
import { checkName } from './account-name.ts'
import { checkPassword, checkRequestId, checkText } from './bounded-text.ts'

describe('checkName', () => {
  it.each(['a', 'alice', 'Ωmega', '李雷', 'नमस्ते', 'ada_l-1.x', '😀', 'x'.repeat(32), '😀'.repeat(32)])(
    'takes %s',
    (name) => {
      expect(checkName(name)).toEqual({ ok: true, value: name })
    },
  )

  it('makes one name of two ways to write it', () => {
    expect(checkName('cafe\u0301')).toEqual({ ok: true, value: 'caf\u00e9' })
    expect(checkName('\u212bngström')).toEqual({ ok: true, value: '\u00c5ngström' })
  })

  it.each([
    ['', 'is empty'],
    ['a'.repeat(33), 'is longer than 32 characters'],
    ['😀'.repeat(33), 'is longer than 32 characters'],
    ['a'.repeat(1_000_000), 'is longer than 32 characters'],
    ['al ice', 'contains a space or line break (U+0020)'],
    ['alice\n', 'contains a space or line break (U+000A)'],
    ['al\u00a0ice', 'contains a space or line break (U+00A0)'],
    ['al\u0000ice', 'contains a control character (U+0000)'],
    ['al\u001bice', 'contains a control character (U+001B)'],
    ['al\u200bice', 'contains an invisible character (U+200B)'],
    ['al\u202eice', 'contains an invisible character (U+202E)'],
    ['al\ufeffice', 'contains an invisible character (U+FEFF)'],
    ['al\u034fice', 'contains an invisible character (U+034F)'],
    ['al\u{e0041}ice', 'contains an invisible character (U+E0041)'],
    ['al\u0378ice', 'contains a character without a meaning in Unicode (U+0378)'],
    ['al\ue000ice', 'contains a character without a meaning in Unicode (U+E000)'],
    ['\u0301alice', 'begins with a mark that belongs to a letter before it (U+0301)'],
    ['ａlice', 'contains characters that look like others; write it "alice"'],
    ['ﬁsh', 'contains characters that look like others; write it "fish"'],
    ['x²', 'contains characters that look like others; write it "x2"'],
    ['al\ud800ice', 'is no valid Unicode text'],
  ])('refuses %j', (name, what) => {
    const checked = checkName(name)
    expect(checked).toMatchObject({ ok: false, reason: 'invalid name' })
    expect(checked.ok ? '' : checked.message).toContain(what)
  })

  it('counts the characters of the stored form', () => {
    expect(checkName('e\u0301'.repeat(32)).ok).toBe(true)
    expect(checkName('e\u0301'.repeat(33)).ok).toBe(false)
    expect(checkName('ab', { nameCodePoints: 1 }).ok).toBe(false)
  })
})

describe('checkText, checkRequestId, checkPassword', () => {
  it('take what is within the bounds, as it is', () => {
    expect(checkText('a'.repeat(65_536))).toEqual({ ok: true, value: 'a'.repeat(65_536) })
    expect(checkText('ü'.repeat(32_768)).ok).toBe(true)
    expect(checkText('\u0000\u001b[2J cafe\u0301')).toEqual({ ok: true, value: '\u0000\u001b[2J cafe\u0301' })
    expect(checkRequestId('r'.repeat(64)).ok).toBe(true)
    expect(checkPassword('p'.repeat(1_024)).ok).toBe(true)
  })

  it('refuse what is empty', () => {
    expect(checkText('')).toMatchObject({
      ok: false,
      reason: 'invalid text',
      message: containing('is empty'),
    })
    expect(checkRequestId('')).toMatchObject({ ok: false, reason: 'invalid request id' })
    expect(checkPassword('')).toMatchObject({ ok: false, reason: 'invalid password' })
  })

  it('refuse what is too long in bytes of UTF-8', () => {
    const message = containing('longer than 65536 bytes')
    expect(checkText('a'.repeat(65_537))).toMatchObject({ ok: false, reason: 'invalid text', message })
    expect(checkText('ü'.repeat(32_769))).toMatchObject({ ok: false, reason: 'invalid text', message })
    expect(checkText('€'.repeat(21_846))).toMatchObject({ ok: false, reason: 'invalid text', message })
    expect(checkRequestId('ü'.repeat(33))).toMatchObject({ ok: false, reason: 'invalid request id' })
    expect(checkPassword('p'.repeat(1_025))).toMatchObject({ ok: false, reason: 'invalid password' })
  })

  it('refuse half a surrogate pair', () => {
    expect(checkText('\ud83d')).toMatchObject({ ok: false, reason: 'invalid text' })
    expect(checkRequestId('\ude00')).toMatchObject({ ok: false, reason: 'invalid request id' })
  })

  it('bring a password into one form', () => {
    expect(checkPassword('cafe\u0301')).toEqual({ ok: true, value: 'caf\u00e9' })
  })

  it('obey other limits', () => {
    expect(checkText('abc', { textBytes: 2 }).ok).toBe(false)
    expect(checkRequestId('abc', { requestIdBytes: 2 }).ok).toBe(false)
  })
})
