import { Metadata } from '@grpc/grpc-js'

const key = 'authorization'
const scheme = 'Bearer '

/** Request metadata that says who calls: `authorization: Bearer <token>`. */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata()
  metadata.set(key, scheme + token)
  return metadata
}

/** The token of a request; null if there is none, or more than one, or one of another scheme. The scheme's case does not matter (RFC 9110 §11.1). */
export function readBearer(metadata: Metadata): string | null {
  const values = metadata.get(key)
  const [value] = values
  if (values.length !== 1 || typeof value !== 'string') return null
  if (value.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase()) return null
  const token = value.slice(scheme.length).trim()
  return token === '' ? null : token
}
