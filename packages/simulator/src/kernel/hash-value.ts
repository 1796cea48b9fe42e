const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/**
 * A hash of whatever JSON can tell, and of equal values the same: without the text, which costs more than what is watched. Parts are hashed in their order; what is
 * undefined is as good as not there.
 */
export function hashValue(value: unknown, hash: number = FNV_OFFSET): number {
  switch (typeof value) {
    case 'string':
      return hashString(value, mix(hash, value.length))
    case 'number':
      double[0] = value === 0 ? 0 : value
      return mix(mix(hash, words[0] ?? 0), words[1] ?? 0)
    case 'boolean':
      return mix(hash, value ? 3 : 5)
    case 'object':
      return value === null ? mix(hash, 7) : hashObject(value, hash)
    case 'bigint':
      return hashString(value.toString(), hash)
    default:
      return mix(hash, 11)
  }
}

function hashObject(value: object, before: number): number {
  let hash = mix(before, Array.isArray(value) ? 13 : 17)
  for (const [key, part] of Object.entries(value)) {
    if (part !== undefined) hash = hashValue(part, hashString(key, hash))
  }
  return mix(hash, 19)
}

function hashString(text: string, before: number): number {
  let hash = before
  for (let at = 0; at < text.length; at++) hash = mix(hash, text.charCodeAt(at))
  return hash
}

/** FNV-1a, by units of 32 bits; the shift brings what is high down into what decides most. */
function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, FNV_PRIME)
  return mixed ^ (mixed >>> 15)
}
