import fc from 'fast-check'

/** A code point of each length in UTF-8, and the ones that decoders like to swallow. No halves of surrogate pairs. */
const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0x80, max: 0x7ff }),
  fc.integer({ min: 0x800, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0xffff }),
  fc.integer({ min: 0x10000, max: 0x10ffff }),
  fc.constantFrom(0, 0xfeff, 0xfffd, 0xffff),
)

/** Texts of which the engine keeps a unit in one byte are often handled apart: so there are such, with and without ASCII alone. */
const lastOfNarrowTexts = [0x7f, 0xff]

/** Any well-formed text of so many code points. */
export function anyText(maxLength: number, minLength = 0): fc.Arbitrary<string> {
  return fc.oneof(
    fc.array(codePoint, { maxLength, minLength }).map((points) => String.fromCodePoint(...points)),
    ...lastOfNarrowTexts.map((max) =>
      fc
        .array(fc.integer({ min: 0, max }), { maxLength, minLength })
        .map((points) => String.fromCodePoint(...points)),
    ),
  )
}
