import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  authorityFrom,
  createAuthority,
  type Issued,
  issueForOperator,
  issueForReplica,
} from './authority.ts'
import { CertificatesError } from './error.ts'

/** The authority outlives what it signs, so that certificates are replaced more often than what everybody trusts. */
const authorityDays = 3_650

export interface WrittenFile {
  readonly path: string
  /** Only its owner may read it. */
  readonly secret: boolean
}

/**
 * Makes `ca`, `replica-N` for each list of hosts, and `operator`, each as `.crt` and `.key` (mode 0600), in a directory. With `renew` the authority that is there
 * is kept and signs new certificates, which replace the old ones file by file; without, nothing is ever overwritten.
 * @returns what was written
 * @throws CertificatesError
 */
export async function writeClusterCertificates(options: {
  readonly directory: string
  /** By replica: the names and IP addresses it is reached at. */
  readonly hosts: readonly (readonly string[])[]
  readonly days: number
  readonly renew: boolean
}): Promise<WrittenFile[]> {
  const { directory, hosts, days, renew } = options
  const names = [...hosts.map((_, id) => `replica-${id}`), 'operator']
  const wanted = renew ? [] : ['ca', ...names].flatMap((name) => [`${name}.crt`, `${name}.key`])
  const taken = wanted.map((name) => join(directory, name)).find((path) => existsSync(path))
  if (taken !== undefined) {
    throw new CertificatesError(
      'exists',
      `${taken} exists already and nothing was written: use --renew to make new certificates with the authority that is there, or choose another directory.`,
    )
  }
  const authority = renew ? await readAuthority(directory) : await createAuthority({ days: authorityDays })
  const issued: [string, Issued][] = renew ? [] : [['ca', authority]]
  for (const [id, own] of hosts.entries())
    issued.push([`replica-${id}`, await issueForReplica(authority, id, own, { days })])
  issued.push(['operator', await issueForOperator(authority, { days })])
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return issued.flatMap(([name, { certificate, key }]) => [
      write(join(directory, `${name}.key`), key, true, renew),
      write(join(directory, `${name}.crt`), certificate, false, renew),
    ])
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CertificatesError(
      'not written',
      `${directory}: certificates cannot be written there (${why}).`,
      {
        cause,
      },
    )
  }
}

async function readAuthority(directory: string): Promise<Awaited<ReturnType<typeof authorityFrom>>> {
  const [certificate, key] = ['ca.crt', 'ca.key'].map((name) => {
    try {
      return readFileSync(join(directory, name), 'utf8')
    } catch (cause) {
      throw new CertificatesError(
        'authority',
        `${join(directory, name)} cannot be read: --renew needs the authority that was made before.`,
        { cause },
      )
    }
  })
  return await authorityFrom({ certificate: certificate ?? '', key: key ?? '' })
}

/** A server that looks at the file meanwhile sees the old one or the new one, never half of one. */
function write(path: string, text: string, secret: boolean, replace: boolean): WrittenFile {
  const mode = secret ? 0o600 : 0o644
  if (replace) {
    const next = `${path}.new`
    rmSync(next, { force: true })
    writeFileSync(next, text, { mode, flag: 'wx' })
    renameSync(next, path)
  } else writeFileSync(path, text, { mode, flag: 'wx' })
  return { path, secret }
}
